import type { AbortOptions } from './abort.ts'
import type { Capability, Cluster, Position } from './cluster.ts'
import type { Probe } from './probe.ts'
import type { DeployedTarget, Feature } from './target.ts'

/** A story told step by step: each step acts, then says what it expected and what it saw. */
export interface Scenario {
  readonly id: string
  readonly title: string
  /** Where the story comes from. */
  readonly source: { readonly title: string; readonly url?: string }
  readonly steps: readonly Step[]
}

export interface Step {
  readonly id: string
  /** A sentence: "The Service answers by name from edge-node-a's host network". */
  readonly title: string
  /** What a person would type. */
  readonly command?: string
  /** Needed from the target; a step whose feature is missing is skipped and says so. */
  readonly needs?: readonly Feature[]
  /** Needed from the cluster; likewise. */
  readonly capabilities?: readonly Capability[]
  run(context: ScenarioContext): Promise<StepJudgement>
}

/** What a step gets: no target name, only what any target offers. */
export interface ScenarioContext extends AbortOptions {
  readonly cluster: Cluster
  readonly target: Pick<DeployedTarget, 'paths'>
  /** What the target claims. */
  readonly features: ReadonlySet<Feature>
  /** Image of the sample nginx, where it is another than the manifests name. */
  readonly sampleImage?: string
  probe(at: Position): Promise<Probe>
  /** Holds what the scenario made until it ends. */
  keep(resource: AsyncDisposable): void
  /** Facts that later steps need, e.g. the pod's address. */
  readonly facts: Map<string, string>
}

/** Anything that a step throws is trouble of the harness: `inconclusive`. */
export type StepJudgement =
  | {
      readonly kind: 'passed'
      readonly expected: string
      readonly seen: string
      readonly command?: string
    }
  | {
      readonly kind: 'failed'
      readonly expected: string
      readonly seen: string
      readonly command?: string
    }
  | { readonly kind: 'skipped'; readonly reason: string }
