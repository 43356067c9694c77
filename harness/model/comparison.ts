import type { ConformanceConclusion, TestStatus } from './conformance.ts'
import type { Fingerprint } from './fingerprint.ts'
import type { GateVerdict } from './gate.ts'
import type { Measured } from './measured.ts'
import type { Level, Profile } from './requirement.ts'
import type { Implementation } from './run-result.ts'

/** Two results held against each other; A is the earlier release, the baseline, B the later one, the candidate. */
export interface Comparison {
  readonly a: ComparedSide
  readonly b: ComparedSide
  readonly relation: Relation
  /** What is not the same around them: machine, programs, suite. */
  readonly differences: readonly { readonly what: string; readonly a: string; readonly b: string }[]
  /** Absent when neither has a conformance result. */
  readonly conformance?: ConformanceComparison
  readonly metrics: readonly MetricBeside[]
  /** Verdicts that either file itself holds about performance: pairs of one session. */
  readonly sessions: readonly PairedSession[]
}

/**
 * Whether numbers of the two were measured by the same machine at the same time. Only then would a difference mean
 * something, and even then the pairs of `bench --vs` are what decides.
 */
export type Relation = 'same-run' | 'other-session' | 'other-machine'

export interface ComparedSide {
  /** File. */
  readonly name: string
  readonly runId: string
  readonly startedAt: string
  readonly implementation: Implementation
  readonly suiteVersion: string
  readonly provider: string
  readonly fingerprint: Fingerprint
}

/**
 * - `newly-failing`: passed in A; in B it failed, is flaky, or fails as a known issue
 * - `newly-passing`: the other way round
 * - `not-judged`: had a verdict in A, and has none in B although it is there: skipped, error, not supported
 * - `newly-judged`: the other way round
 * - `vanished`: is in A and not in B, although B's suite has it or may have it
 * - `retired`: is in A, and not in the catalogue of B: the suite's own decision
 * - `new`: is in B and not in A
 * - `otherwise`: failed in both, in another way
 */
export type RowChangeKind =
  | 'newly-failing'
  | 'newly-passing'
  | 'not-judged'
  | 'newly-judged'
  | 'vanished'
  | 'retired'
  | 'new'
  | 'otherwise'

export interface RowChange {
  readonly id: string
  readonly title: string
  readonly level: Level
  readonly profile: Profile
  readonly kind: RowChangeKind
  readonly a?: TestStatus
  readonly b?: TestStatus
  /** Why it vanished, or has no verdict, or failed. */
  readonly reason?: string
  readonly expected?: string
  readonly observed?: string
  /** The line that runs it again in B. */
  readonly reproduce?: string
}

export interface ConformanceComparison {
  readonly a?: ConformanceCount
  readonly b?: ConformanceCount
  readonly changes: readonly RowChange[]
  /** Rows with the same status in both. */
  readonly unchanged: number
}

export interface ConformanceCount {
  readonly conclusion: ConformanceConclusion
  readonly rows: number
  readonly mustPassed: number
  readonly mustJudged: number
  /** What was chosen to run, as flags: `--fast`; `every row`. */
  readonly selection: string
}

/** A number of A beside the same of B; one is absent where only the other run measured it. */
export interface MetricBeside {
  readonly id: string
  readonly title: string
  readonly unit: string
  readonly better: 'lower' | 'higher'
  readonly a?: Measured
  readonly b?: Measured
}

export interface PairedSession {
  readonly side: 'a' | 'b'
  readonly verdict: GateVerdict
  readonly baseline: Implementation
  readonly spec: string
  readonly isSameProgram: boolean
  /** Of the gated metrics, one sentence each. */
  readonly sentences: readonly string[]
  readonly reasons: readonly string[]
  /** Its baseline is what A tested, so that it decides about B against A. */
  readonly decides: boolean
}

/** What a comparison comes to when it is to gate. */
export interface ComparisonGate {
  /** As in design.md: 0 good, 1 worse, 2 a session that is not valid, 3 no verdict, 4 a SHOULD with --strict. */
  readonly exitCode: 0 | 1 | 2 | 3 | 4
  readonly reasons: readonly string[]
}
