import type { Capability } from '../../model/cluster.ts'
import type { BenchFacts, Grounded } from '../../model/question.ts'
import type { Feature } from '../../model/target.ts'

/** What a question or experiment needs. */
export interface Needs {
  readonly needs?: readonly Feature[]
  readonly capabilities?: readonly Capability[]
}

/** Why it cannot be asked here; undefined when it can. */
export function whyNot(
  { needs = [], capabilities = [] }: Needs,
  features: ReadonlySet<Feature>,
  of: ReadonlySet<Capability>,
): string | undefined {
  const unclaimed = needs.filter((feature) => !features.has(feature))
  if (unclaimed.length > 0) return `the target does not claim ${unclaimed.join(', ')}`
  const missing = capabilities.filter((capability) => !of.has(capability))
  if (missing.length > 0) return `the cluster cannot do ${missing.join(', ')}`
  return undefined
}

/** Why what it stands on could not be set up; undefined when it could. */
export function whyGroundless({ uses = [] }: Grounded, facts: BenchFacts): string | undefined {
  return uses.map((ground) => facts.missing?.[ground]).find((reason) => reason !== undefined)
}
