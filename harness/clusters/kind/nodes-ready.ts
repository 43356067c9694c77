import { setTimeout as delay } from 'node:timers/promises'
import type { AbortOptions } from '../../model/abort.ts'
import { ClusterError, KubeError } from '../../model/errors.ts'
import type { KubeClient, KubeObject } from '../../model/kubernetes.ts'
import { nodes } from '../kube/types.ts'

/** How long nodes may take to be Ready after kind is done. */
const readyMs = 120_000

/**
 * Resolves when the nodes of these names are Ready.
 * @throws ClusterError 'not-ready' with what each node says of itself
 */
export async function nodesReady(
  kube: KubeClient,
  names: readonly string[],
  { signal }: AbortOptions,
): Promise<void> {
  const deadline = performance.now() + readyMs
  for (;;) {
    const items = await listed(kube, signal)
    const waiting = items.filter((node) => !/^True/.test(readiness(node)))
    const missing = names.filter((name) => !items.some(({ metadata }) => metadata.name === name))
    if (missing.length === 0 && waiting.length === 0) return
    if (performance.now() > deadline)
      throw new ClusterError(
        'not-ready',
        `${items.length - waiting.length} of ${names.length} nodes are Ready after ${readyMs / 1_000} s: ` +
          [
            ...waiting.map((node) => `${node.metadata.name}: ${readiness(node)}`),
            ...missing.map((name) => `${name}: it never came (there are ${namesOf(items)})`),
          ].join('; '),
        { hint: 'see the logs of kubelet and containerd: kind export logs' },
      )
    await delay(200, undefined, { signal })
  }
}

/** An API server that is just coming up may hang up; that is no node's fault. */
async function listed(kube: KubeClient, signal: AbortSignal): Promise<readonly KubeObject[]> {
  try {
    return (await kube.list(nodes, { signal })).items
  } catch (error) {
    if (error instanceof KubeError && (error.status === 0 || error.status >= 500)) return []
    throw error
  }
}

function namesOf(nodes: readonly KubeObject[]): string {
  return nodes.map(({ metadata }) => metadata.name).join(', ')
}

function readiness({ status }: KubeObject): string {
  const { conditions = [] } = (status ?? {}) as {
    readonly conditions?: readonly { type: string; status: string; message?: string }[]
  }
  const ready = conditions.find(({ type }) => type === 'Ready')
  return `${ready?.status ?? 'Unknown'}: ${ready?.message ?? 'it said nothing'}`
}
