import type { AbortOptions } from '../../model/abort.ts'
import type { Cluster } from '../../model/cluster.ts'
import { TargetError } from '../../model/errors.ts'
import type { KubeObject } from '../../model/kubernetes.ts'
import type { PathCounters } from '../../model/target.ts'
import { runShell } from '../shared/shell.ts'
import { counterSum } from './metrics.ts'

/** Which way connections took on a node, as its agent counts them. */
export async function pathsOn(
  cluster: Cluster,
  daemonSet: KubeObject,
  node: string,
  options: AbortOptions,
): Promise<PathCounters> {
  const ask = `curl -fsS --max-time 5 ${metricsUrl(daemonSet)}`
  const text = await runShell(cluster, { node, network: 'host' }, ask, options)
  return {
    l4Connections: counterSum(text, 'meshmark_l4_connections_total'),
    l7Requests: counterSum(text, 'meshmark_l7_requests_total'),
  }
}

interface Probed {
  readonly template: {
    readonly spec: {
      readonly containers: readonly {
        readonly readinessProbe?: {
          readonly httpGet?: { readonly port: number; readonly host?: string }
        }
      }[]
    }
  }
}

/** The agent's metrics are where its readiness is. */
function metricsUrl(daemonSet: KubeObject): string {
  return `${adminUrl(daemonSet)}/metrics`
}

/** Where the agent's readiness, liveness and metrics are, on its node. */
export function adminUrl(daemonSet: KubeObject): string {
  const [container] = (daemonSet['spec'] as Probed).template.spec.containers
  const probe = container?.readinessProbe?.httpGet
  if (probe === undefined)
    throw new TargetError('deploy-failed', 'the reference DaemonSet has no HTTP readiness probe')
  return `http://${probe.host ?? '127.0.0.1'}:${probe.port}`
}
