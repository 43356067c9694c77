import type { AbortOptions } from './abort.ts'
import type { Capability, Cluster, Position } from './cluster.ts'
import type { KubeObject } from './kubernetes.ts'
import type { LoadGenerator } from './load.ts'
import type { Probe } from './probe.ts'
import type { BenchFacts, Ground } from './question.ts'
import type { DeployedTarget, Feature, Uninstalled } from './target.ts'
import type { Watch, WatchJob } from './watch.ts'

/**
 * A question of the benchmark whose replicate is no pair of trials but an event (an endpoint goes, the agent restarts),
 * a size (so many Services) or a search. What counts is declared here, before any run.
 */
export interface Experiment {
  readonly id: string
  /** Ends with a question mark. */
  readonly title: string
  /** What the answer means for a user, in one sentence. */
  readonly means: string
  /** Where clients and servers stand, what is sent and how often, in words. */
  readonly load: string
  readonly metrics: readonly Metric[]
  /** Needed from the target; without it the experiment is skipped and says so. */
  readonly needs?: readonly Feature[]
  /** Needed from the cluster; likewise. */
  readonly capabilities?: readonly Capability[]
  /** What it stands on; where that could not be set up it is not run, and unanswered with the reason. */
  readonly uses?: readonly Ground[]
  /** Replicates of a quick and of a full benchmark. */
  readonly replicates: { readonly quick: number; readonly full: number }
  /** About how long one replicate takes, in seconds: for `--list`. */
  readonly replicateS: number
  /**
   * Yields one replicate after the other. What it throws ends the experiment as trouble of the harness; a `Skip` that it
   * throws says that the question makes no sense here.
   */
  run(context: ExperimentContext): AsyncIterable<Replicate>
}

/** A number that replicates yield, and what is held against it. */
export interface Metric {
  readonly id: string
  /** `stale window after an endpoint was removed`: stands in sentences, so without a capital. */
  readonly title: string
  readonly unit: 'ms' | 'us' | 'req/s' | '%' | 'count' | 'KiB'
  readonly better: 'lower' | 'higher'
  /** `gated` metrics decide where versions are compared; `advisory` ones are shown. */
  readonly role: 'gated' | 'advisory'
  /** A change below this share is of no practical interest, 0 to 1. */
  readonly margin: number
  /**
   * What stands for all replicates: the median, or the slope over the replicates' `size` (Theil-Sen), told per `per`
   * units of size.
   */
  readonly summary?: { readonly kind: 'median' } | { readonly kind: 'slope'; readonly per: number }
}

/** What one event, size or search yielded. */
export interface Replicate {
  /** What was done: `endpoint removed`, `1000 Services`. */
  readonly label: string
  readonly size?: number
  /** By the metric's id; metrics that this replicate says nothing about are absent. */
  readonly values: Readonly<Record<string, number>>
  /**
   * Metrics whose value is only known to be worse than what stands there: waiting was given up, or nothing lower was
   * tried. They rank worst.
   */
  readonly censored?: readonly string[]
  /** Why it must not be used; by rules that were fixed beforehand. Absent or empty for a valid one. */
  readonly invalid?: readonly string[]
  readonly note?: string
}

/** Thrown by an experiment that has no meaning for this target or cluster; the message is the reason. */
export class Skip extends Error {}

/** What an experiment gets: no target name, only what any target offers. */
export interface ExperimentContext extends AbortOptions {
  readonly cluster: Cluster
  readonly features: ReadonlySet<Feature>
  readonly target: Pick<DeployedTarget, 'restart' | 'usage' | 'pods' | 'pids' | 'ready'> & {
    /** Takes it off the cluster the documented way; it is put back after the experiment at the latest. */
    uninstall(options: AbortOptions): Promise<Uninstalled>
  }
  /** nginx and its Service. */
  readonly facts: BenchFacts
  /** How many replicates are wanted. */
  readonly replicates: number
  readonly seed: number
  /** Uniform in [0, 1), by the seed. */
  readonly random: () => number
  /** Image of the backend program (harness/backends), given to the nodes on first use. */
  readonly backendImage: () => Promise<string>
  readonly probe: (at: Position) => Promise<Probe>
  /** A load program of its own at a position, until the experiment ends. */
  readonly load: (at: Position) => Promise<LoadGenerator>
  /** Starts a watch; all watches of a position are one program. */
  readonly watch: (at: Position, job: WatchJob) => Promise<Watch>
  /** Applies manifests, removed after the experiment. */
  readonly apply: (manifests: readonly KubeObject[]) => Promise<void>
  readonly tell: (line: string) => void
}

/** What one experiment found. */
export interface ExperimentResult {
  readonly id: string
  readonly title: string
  readonly means: string
  readonly load: string
  /** `unanswered`: no replicate was valid, or the harness had trouble. */
  readonly status: 'answered' | 'skipped' | 'unanswered'
  /** Why it was skipped, or what went wrong; an experiment that broke off may be answered by what came before. */
  readonly reason?: string
  /** The answer in one sentence, with numbers and units, or why there is none. */
  readonly answer: string
  readonly metrics: readonly MetricResult[]
  readonly replicates: readonly ReplicateResult[]
}

/** A metric over all valid replicates that say something about it. */
export interface MetricResult {
  readonly id: string
  readonly title: string
  readonly unit: Metric['unit']
  readonly better: Metric['better']
  readonly role: Metric['role']
  readonly margin: number
  readonly summary: 'median' | 'slope'
  /** Of a slope: per so many units of size. */
  readonly per?: number
  readonly count: number
  /** Of how many only a bound is known: given up waiting for, or below the lowest that was tried. */
  readonly censored: number
  readonly value?: number
  /** The value is such a bound: the true one is worse. */
  readonly isCensored?: boolean
  /** Exact interval of the median. */
  readonly interval?: readonly [number, number]
  readonly confidence?: number
  /** The worst of all. */
  readonly worst?: number
}

export interface ReplicateResult {
  readonly label: string
  readonly startedAt: string
  readonly size?: number
  readonly values: Readonly<Record<string, number>>
  readonly censored: readonly string[]
  readonly invalid: readonly string[]
  readonly note?: string
}
