import type { ConformanceResult } from './conformance.ts'
import type { ExperimentResult } from './experiment.ts'
import type { GateResult } from './gate.ts'
import type { Identity } from './target.ts'
import type { SecondOpinion } from './second-opinion.ts'

/**
 * Everything one run found, and the only source of every report. Written as `result.json`.
 * `schemaVersion` is semver: readers refuse a newer major or minor.
 */
export interface RunResult {
  readonly apiVersion: 'meshmark.dev/v1alpha1'
  readonly kind: 'RunResult'
  readonly schemaVersion: string
  readonly runId: string
  /** RFC 3339, UTC. */
  readonly startedAt: string
  readonly durationMs: number
  /** True when the run was interrupted: such a result may be read but never compared. */
  readonly partial: boolean
  readonly suite: SuiteInfo
  readonly implementation: Implementation
  readonly environment: EnvironmentInfo
  readonly cluster: ClusterInfo
  readonly walkthrough?: WalkthroughResult
  readonly conformance?: ConformanceResult
  readonly bench?: BenchResult
  readonly gate?: GateResult
  /** Trouble of the harness itself, in words. */
  readonly problems: readonly string[]
  readonly conclusion: Conclusion
}

/** Who was tested; `target` is the name of the adapter. */
export type Implementation = Identity & { readonly target: string }

/** `passed` exit 0, `failed` exit 1, `invalid` exit 2, `inconclusive` exit 3. */
export type Conclusion = 'passed' | 'failed' | 'invalid' | 'inconclusive'

export interface SuiteInfo {
  readonly name: 'meshmark'
  readonly version: string
  /** Git commit of the suite, where it runs from a checkout. */
  readonly commit?: string
  readonly dirty?: boolean
  readonly seed: number
  readonly argv: readonly string[]
}

export interface EnvironmentInfo {
  readonly os: string
  readonly kernel: string
  readonly arch: string
  readonly cpuModel: string
  readonly cpus: number
  readonly memoryMib: number
  readonly governor?: string
  readonly clocksource?: string
  readonly virtualization?: string
  readonly loadAverageAtStart: readonly number[]
  /** Versions of the programs that took part: node, nginx, nft, iproute2, kernel tools. */
  readonly tools: Readonly<Record<string, string>>
}

export interface ClusterInfo {
  readonly provider: string
  readonly nodes: readonly {
    readonly name: string
    readonly role: string
    readonly address: string
    readonly lan: string
  }[]
  readonly readyMs: number
  readonly targetReadyMs?: number
  readonly description: Readonly<Record<string, string>>
}

export interface WalkthroughResult {
  readonly scenario: string
  readonly title: string
  readonly sourceUrl?: string
  readonly steps: readonly StepResult[]
}

export interface StepResult {
  readonly id: string
  readonly title: string
  readonly command?: string
  readonly status: 'passed' | 'failed' | 'skipped' | 'inconclusive'
  readonly expected?: string
  readonly seen?: string
  /** Why it was skipped or inconclusive. */
  readonly reason?: string
  readonly durationMs: number
}

export interface BenchResult {
  readonly questions: readonly BenchQuestion[]
  /** Names of the nodes that the load came from, at once. */
  readonly loadNodes?: readonly string[]
  /** Trials in the order in which they ran. */
  readonly order: readonly {
    readonly question: string
    readonly arm: string
    readonly pair: number
  }[]
  readonly secondOpinion?: SecondOpinion
  /** Questions that make no sense for this target in this cluster, and why. */
  readonly skipped?: readonly {
    readonly id: string
    readonly title: string
    readonly reason: string
  }[]
  /** Events, sizes and searches, in the order in which they ran. */
  readonly experiments?: readonly ExperimentResult[]
}

/** One question ("what does the L7 path add at 500 requests per second?") with the trials that answer it. */
export interface BenchQuestion {
  readonly id: string
  readonly title: string
  /** The answer in one sentence, with numbers and units, or why there is none. */
  readonly answer: string
  /** What the answer means for a user. */
  readonly means?: string
  /** Declared beforehand: does a change of this metric decide, and how much of one is of practical interest? */
  readonly role?: 'gated' | 'advisory'
  readonly margin?: number
  readonly unit: 'us' | 'req/s' | 'us/req' | 'ms'
  readonly better: 'lower' | 'higher'
  /** `open loop, 500 req/s, Poisson` or `closed loop, 16 connections`. */
  readonly load: string
  readonly generator: string
  readonly arms: readonly BenchArm[]
  /** Effect of the target's arm against the direct arm over the pairs. */
  readonly effect?: PairedEffect
}

export interface BenchArm {
  readonly id: 'direct' | 'target'
  readonly label: string
  readonly trials: readonly BenchTrial[]
  /** Median over valid trials of the question's own metric. */
  readonly value?: number
}

export interface BenchTrial {
  readonly pair: number
  readonly startedAt: string
  readonly valid: boolean
  /** Why it is not valid. */
  readonly invalid: readonly string[]
  /** The question's own metric, in its unit; absent for an invalid trial. */
  readonly value?: number
  readonly count: number
  readonly failures: Readonly<Record<string, number>>
  readonly achievedRps: number
  readonly p50Us?: number
  readonly p90Us?: number
  readonly p99Us?: number
  readonly p999Us?: number
  readonly lagP99Us?: number
  /** CPU time of the data plane per request, over all nodes, microseconds. */
  readonly targetCpuUsPerRequest?: number
  readonly generatorUtilization: number
  /** HdrHistogram V2, compressed, base64, integer microseconds. */
  readonly histogram?: string
}

/** Paired comparison: each pair is one trial of either arm, back to back, in random order. */
export interface PairedEffect {
  /** What `estimate` compares, e.g. `p50 latency, target minus direct`. */
  readonly metric: string
  readonly kind: 'difference' | 'ratio'
  readonly unit: string
  /** Hodges-Lehmann. */
  readonly estimate: number
  /** Exact interval from the Wilcoxon signed-rank distribution; absent where there are too few pairs for it. */
  readonly interval?: readonly [number, number]
  /** Confidence of the interval, 0 to 1: what so few pairs can give. */
  readonly confidence?: number
  readonly pairs: readonly number[]
}
