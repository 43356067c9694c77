import type { CheckContext } from '../../../harness/api.ts'
import { objectOf } from './cluster-facts.ts'

const zoneLabel = 'topology.kubernetes.io/zone'

/** Labels the node; the check's end gives it back the zone that it had. */
export async function putInZone(context: CheckContext, name: string, zone: string): Promise<void> {
  const { cluster, signal } = context
  const kind = { apiVersion: 'v1', kind: 'Node' }
  const before = (await objectOf(context, kind, { name })).metadata.labels?.[zoneLabel] ?? null
  const type = await cluster.kube.typeOf(kind, { signal })
  const label = (value: string | null, options: { readonly signal: AbortSignal }) =>
    cluster.kube.patch(
      type,
      { name },
      { metadata: { labels: { [zoneLabel]: value } } },
      { type: 'merge', ...options },
    )
  await label(zone, { signal })
  context.keep({
    [Symbol.asyncDispose]: async () => {
      await label(before, { signal: AbortSignal.timeout(10_000) })
    },
  })
}
