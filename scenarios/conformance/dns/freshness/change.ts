import { ClusterError, type CheckContext } from '../../../../harness/api.ts'
import { eventually } from '../../../eventually.ts'

/** How long an object without pods may take to be gone from the API, in ms. */
const goneMs = 60_000

/**
 * Deletes an object of the check's own namespace, or a cluster-scoped one, and waits until the API server no longer has
 * it. @throws ClusterError when it stays
 */
export async function removeNow(
  { cluster, namespace, signal }: Pick<CheckContext, 'cluster' | 'namespace' | 'signal'>,
  kind: { readonly apiVersion: string; readonly kind: string },
  name: string,
): Promise<void> {
  const { kube } = cluster
  const type = await kube.typeOf(kind, { signal })
  const key = { name, ...(type.namespaced && { namespace }) }
  await kube.delete(type, key, { signal })
  const { accepted } = await eventually(
    () => kube.get(type, key, { signal }),
    (found) => found === undefined,
    { withinMs: goneMs, everyMs: 10, signal },
  )
  if (!accepted) throw new ClusterError('not-ready', `${kind.kind} ${name} is not gone`)
}
