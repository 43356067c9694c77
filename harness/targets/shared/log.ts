import type { AbortOptions } from '../../model/abort.ts'
import type { Cluster } from '../../model/cluster.ts'
import { TargetError } from '../../model/errors.ts'
import type { PodsOf } from '../../model/target.ts'

/**
 * The lines that the pods of a DaemonSet logged on a node, from the Kubernetes API.
 * @throws TargetError 'not-ready' when none is there or its kubelet does not give them
 */
export async function logOn(
  { kube }: Cluster,
  { namespace, labelSelector }: PodsOf,
  { node, sinceSeconds }: { readonly node: string; readonly sinceSeconds: number },
  { signal }: AbortOptions,
): Promise<readonly string[]> {
  const type = await kube.typeOf({ apiVersion: 'v1', kind: 'Pod' }, { signal })
  const { items } = await kube.list(type, {
    namespace,
    labelSelector,
    fieldSelector: `spec.nodeName=${node}`,
    signal,
  })
  const [pod] = items
  if (pod === undefined) throw new TargetError('not-ready', `no ${labelSelector} on ${node}`)
  const path = `/api/v1/namespaces/${namespace}/pods/${pod.metadata.name}/log`
  const query = `sinceSeconds=${Math.max(1, Math.ceil(sinceSeconds))}`
  const { status, body } = await kube.request('GET', `${path}?${query}`, { signal })
  if (status !== 200)
    throw new TargetError('not-ready', `the log of ${pod.metadata.name}: HTTP ${status} ${body}`)
  return body.split('\n').filter((line) => line !== '')
}
