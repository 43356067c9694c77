import { ClusterError } from '../../model/errors.ts'
import type { AbortOptions } from '../../model/abort.ts'
import type { KubeClient, KubeObject } from '../../model/kubernetes.ts'
import { nodes } from '../kube/types.ts'

/**
 * Resolves when so many nodes are Ready.
 * @throws ClusterError 'not-ready' naming those that are
 */
export async function nodesReady(
  kube: KubeClient,
  count: number,
  withinMs: number,
  { signal }: AbortOptions,
): Promise<void> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(withinMs)])
  const ready = new Set<string>()
  try {
    for await (const { type, object } of kube.watch(nodes, { signal: bounded })) {
      if (type === 'ADDED' || type === 'MODIFIED') {
        if (isReady(object)) ready.add(object.metadata.name)
        else ready.delete(object.metadata.name)
      }
      if (ready.size >= count) return
    }
  } catch (error) {
    signal.throwIfAborted()
    if (!bounded.aborted) throw error
  }
  throw new ClusterError(
    'not-ready',
    `${ready.size} of ${count} nodes are Ready after ${withinMs / 1000} s: ${[...ready].join(', ')}`,
  )
}

function isReady(node: KubeObject): boolean {
  const { conditions = [] } = (node['status'] ?? {}) as {
    conditions?: readonly { type: string; status: string }[]
  }
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
}
