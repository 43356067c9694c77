import type { AbortOptions } from '../../model/abort.ts'
import type { BareLook, BareState } from '../../model/check.ts'
import type { Cluster } from '../../model/cluster.ts'
import { ResourceStack } from '../../model/resource-stack.ts'
import type { Feature } from '../../model/target.ts'
import { probesOf, type StageComponents } from '../stage.ts'
import { type ConformPlan, edgeFirst, triage } from './conform.ts'

/**
 * Looks at a cluster before the target comes, as the checks of a plan that can run there want it.
 * @returns what was seen, by the id of the look
 */
export async function lookBefore(
  plan: ConformPlan,
  cluster: Cluster,
  {
    connectProbe,
    features,
  }: Pick<StageComponents, 'connectProbe'> & {
    readonly features: ReadonlySet<Feature>
  },
  { signal }: AbortOptions,
): Promise<ReadonlyMap<string, BareState>> {
  const looks = new Map<string, BareLook>()
  for (const { check } of triage(plan, cluster, features).runnable)
    if (check.before !== undefined) looks.set(check.before.id, check.before)
  const seen = new Map<string, BareState>()
  if (looks.size === 0) return seen
  await using held = new ResourceStack()
  const probe = probesOf(cluster, connectProbe, held)
  const context = {
    cluster,
    nodes: edgeFirst(cluster),
    signal,
    probe: (at: Parameters<typeof probe>[0]) => probe(at, { signal }),
  }
  for (const { id, look } of looks.values()) seen.set(id, await look(context))
  return seen
}
