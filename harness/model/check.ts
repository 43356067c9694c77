import type { AbortOptions } from './abort.ts'
import type { Capability, Cluster, ClusterNode, Position } from './cluster.ts'
import type { KubeObject } from './kubernetes.ts'
import type { Probe } from './probe.ts'
import type { DeployedTarget, Feature, Uninstalled } from './target.ts'
import type { Topology } from './topology.ts'

/** Judges one requirement of the catalogue. It never learns which target it judges. */
export interface Check {
  /** Id of the row that it judges, and of no other. */
  readonly requirement: string
  /** What is sent, from where: one sentence, shown by `--explain`. */
  readonly sends: string
  /** What must be observed, and what counts as a violation. */
  readonly expects: string
  /** Needed from the cluster; without it the check is skipped and says so. */
  readonly capabilities?: readonly Capability[]
  /**
   * It says something only on a cluster built like this. Where a second cluster costs next to nothing the run makes one for
   * it; elsewhere it is skipped.
   */
  readonly topology?: Readonly<Partial<Pick<Topology, 'clusterDomain' | 'kubeProxy'>>>
  /**
   * Why it says nothing of this target, where that can be told before a cluster of its shape is made; undefined where it
   * does.
   */
  readonly needless?: (target: Pick<DeployedTarget, 'pods'>) => string | undefined
  /**
   * Fixtures that it looks at. They are made once, shared by checks that run at the same time, and never changed by one:
   * what a check wants to change it applies itself, into its own namespace.
   */
  readonly fixtures?: readonly Fixture[]
  /** What it has to know of the cluster as it was before the target was deployed. */
  readonly before?: BareLook
  /** Longer than 120 s: how long it may take until it is given up as inconclusive, in ms. */
  readonly timeoutMs?: number
  /** Returns what it found; whatever it throws is trouble of the harness, never a verdict on the target. */
  run(context: CheckContext): Promise<Assessment>
}

/** Objects that several checks look at, in a namespace of their own. */
export interface Fixture {
  readonly id: string
  /** Without `metadata.namespace` they go into the fixture's own; cluster-scoped ones are left as they are. */
  manifests(scene: FixtureScene): readonly KubeObject[]
  /** Waits until the objects can be used; by default until every pod of them is Ready. */
  ready?(context: FixtureContext): Promise<void>
}

/** Looks at the cluster while no target was ever in it; done once for all checks that declare it. */
export interface BareLook {
  readonly id: string
  readonly look: (context: BareContext) => Promise<BareState>
}

export type BareContext = Pick<FixtureContext, 'cluster' | 'nodes' | 'signal' | 'probe'>

/** What was seen, as text, by node and by what it is of. */
export type BareState = Readonly<Record<string, Readonly<Record<string, string>>>>

export interface FixtureScene {
  readonly namespace: string
  readonly cluster: Cluster
  /** Nodes that carry load: edge nodes first. */
  readonly nodes: readonly ClusterNode[]
  /** Image of the backend program (harness/backends). */
  readonly backendImage: string
}

export interface FixtureContext extends AbortOptions, FixtureScene {
  readonly probe: (at: Position) => Promise<Probe>
  /** Holds what other checks look at as well until the run has judged everything in this cluster. */
  readonly keepForAll: (resource: AsyncDisposable) => void
}

/** What a check gets: no target name, only what any target offers. */
export interface CheckContext extends FixtureContext {
  /** Its own namespace: made when it is first used, removed after the check. */
  readonly namespace: string
  readonly features: ReadonlySet<Feature>
  readonly target: Pick<
    DeployedTarget,
    | 'restart'
    | 'usage'
    | 'paths'
    | 'tells'
    | 'forget'
    | 'log'
    | 'ready'
    | 'pods'
    | 'pids'
    | 'documented'
  > & {
    /** Takes it off the cluster the documented way. It is put back after the check at the latest. */
    uninstall(): Promise<Uninstalled>
  }
  /** Reproducible: the run's seed and the row's id. */
  readonly seed: number
  /** Thresholds of the row. @throws RangeError for a name that the row does not have */
  readonly threshold: (name: string) => number
  /** What the look that the check declares as `before` saw. */
  readonly before: () => BareState
  /** Namespace of a fixture that the check declares. */
  readonly fixture: (fixture: Fixture) => string
  /**
   * Applies manifests, into the check's own namespace where they name none. Disposing removes them; what is not disposed
   * is removed after the check.
   */
  readonly apply: (manifests: readonly KubeObject[]) => Promise<AsyncDisposable>
  /** Holds what the check acquired until it ends. */
  readonly keep: (resource: AsyncDisposable) => void
  /** Keeps something for people who doubt the verdict: packets, a transcript, a ruleset. */
  readonly evidence: (kind: EvidenceKind, name: string, text: string) => void
}

export type EvidenceKind = 'packets' | 'transcript' | 'ruleset' | 'manifest' | 'log'

/** What a check found out. */
export type Assessment = {
  /** Everything that was compared; kept for a pass as well. */
  readonly findings?: readonly Finding[]
  readonly convergence?: Convergence
  readonly statistic?: Statistic
} & (
  | {
      readonly kind: 'conforms'
      readonly observed: string
    }
  | { readonly kind: 'violates'; readonly expected: string; readonly observed: string }
  /** The row says nothing about this target or cluster, e.g. an L7 rule where nothing parses HTTP. */
  | { readonly kind: 'skipped'; readonly reason: string }
)

/** One comparison. */
export interface Finding {
  readonly name: string
  readonly kind: 'equal' | 'set' | 'bound' | 'statistic' | 'event'
  readonly expected: unknown
  readonly observed: unknown
  readonly ok: boolean
}

/** How long a change took to show, and how long it may. */
export interface Convergence {
  readonly thresholdMs: number
  readonly observedMs: number
}

/**
 * A test of fixed size and level: the check says conforms, and the engine turns that into a violation when p falls below
 * alpha after Holm's correction over all statistics of the run.
 */
export interface Statistic {
  readonly test: 'chi2' | 'g' | 'binomial' | 'runs'
  readonly n: number
  readonly statistic: number
  /** Probability, 0 to 1, of something at least this far off when the target conforms. */
  readonly p: number
  readonly alpha: number
}
