import type { AbortOptions } from '../../model/abort.ts'
import type { Cluster } from '../../model/cluster.ts'
import { TargetError } from '../../model/errors.ts'
import type { KubeObject } from '../../model/kubernetes.ts'
import type { PathCounters, ResourceUsage } from '../../model/target.ts'
import { counterSum } from './metrics.ts'
import { parseUsage } from '../shared/processes.ts'
import { runShell } from '../shared/shell.ts'

/** The reference agent on one node, seen from that node's host network. */
export interface NodeAgent extends AsyncDisposable {
  restart(how: 'term' | 'kill', options: AbortOptions): Promise<void>
  usage(options: AbortOptions): Promise<ResourceUsage>
  paths(options: AbortOptions): Promise<PathCounters>
}

/** How the agent's main program is known in a process list. */
const program = 'reference-impl/main.js'

/**
 * Prints the ids of the agents in this network namespace: pids of other nodes' agents are visible where nodes share
 * a pid namespace (provider local).
 */
const findPids = `own=$(readlink /proc/self/ns/net)
for dir in /proc/[0-9]*; do
  [ "$(readlink "$dir/ns/net" 2>/dev/null)" = "$own" ] || continue
  tr '\\0' '\\n' 2>/dev/null <"$dir/cmdline" | grep -q '^[^ ]*node[^ ]*$' || continue
  tr '\\0' ' ' 2>/dev/null <"$dir/cmdline" | grep -q '^[^ ]*node [^ ]*${program}' && echo "\${dir#/proc/}"
done
true`

export function nodeAgent(cluster: Cluster, daemonSet: KubeObject, node: string): NodeAgent {
  const at = { node, network: 'host' } as const
  let known: string | undefined
  const pid = async (options: AbortOptions): Promise<string> => {
    const found =
      known ?? (await runShell(cluster, at, findPids, options)).trim().split('\n')[0] ?? ''
    if (found === '') throw new TargetError('not-ready', `no reference agent runs on ${node}`)
    known = found
    return found
  }
  return {
    restart: async (how, options) => {
      await runShell(
        cluster,
        at,
        `kill -${how === 'term' ? 'TERM' : 'KILL'} ${await pid(options)}`,
        options,
      )
      known = undefined
    },
    usage: async (options) => {
      const id = await pid(options)
      const script = `cat /proc/${id}/task/*/schedstat; echo; grep VmRSS /proc/${id}/status; ls /proc/${id}/fd | wc -l`
      return parseUsage(await runShell(cluster, at, script, options))
    },
    paths: async (options) => {
      const text = await runShell(
        cluster,
        at,
        `curl -fsS --max-time 5 ${metricsUrl(daemonSet)}`,
        options,
      )
      return {
        l4Connections: counterSum(text, 'meshmark_l4_connections_total'),
        l7Requests: counterSum(text, 'meshmark_l7_requests_total'),
      }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
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
  const [container] = (daemonSet['spec'] as Probed).template.spec.containers
  const probe = container?.readinessProbe?.httpGet
  if (probe === undefined)
    throw new TargetError('deploy-failed', 'the reference DaemonSet has no HTTP readiness probe')
  return `http://${probe.host ?? '127.0.0.1'}:${probe.port}/metrics`
}
