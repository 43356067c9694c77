import type { CheckContext, KubeObject } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { type PodFacts, podsOf } from '../support/cluster-facts.ts'

/** How long pods of a check's own may take. */
const podsMs = 60_000

/**
 * Applies pods, and what goes with them, into the check's own namespace, and waits for their addresses and, unless told
 * otherwise, until they are Ready.
 * @throws Error when they are not there in time: trouble of the harness
 */
export async function ownPods(
  context: CheckContext,
  objects: readonly KubeObject[],
  { ready = true }: { readonly ready?: boolean } = {},
): Promise<readonly PodFacts[]> {
  await context.apply(objects)
  const wanted = objects.filter(({ kind }) => kind === 'Pod').length
  const { accepted, seen } = await eventually(
    () => podsOf(context, context.namespace),
    (pods) => pods.length === wanted && pods.every((pod) => pod.ready || !ready),
    { withinMs: podsMs, everyMs: 100, signal: context.signal },
  )
  if (!accepted)
    throw new Error(`want ${wanted} pods after ${podsMs / 1000} s, got ${JSON.stringify(seen)}`)
  return seen
}
