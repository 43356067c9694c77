import type { BenchTrial, Implementation } from './run-result.ts'

/** One look at the pairs of a session. */
export interface Look {
  /** Complete pairs. */
  readonly pairs: number
  /** Part of the rule's chances that this look may use up; all parts together are 1. */
  readonly share: number
}

/** When a session looks at its pairs, and how sure it has to be; declared before the first trial. */
export interface GateRule {
  /** When the session looks, ascending; at the last look it ends. */
  readonly looks: readonly Look[]
  /** Chance of one false `regressed` or more among all gated metrics of a session, over all looks; above 0, below 1. */
  readonly familyAlpha: number
  /** Chance of a false `ok` for a metric whose true change is just its margin, over all looks; above 0, below 0.5. */
  readonly okError: number
}

/** A gated metric as far as it was measured. */
export interface MetricSoFar {
  /** Smallest change that matters, as a natural logarithm: ln 1.05 for 5 %. Above 0. */
  readonly margin: number
  /** Per pair the logarithm of candidate over baseline, its sign turned so that positive is worse. */
  readonly worse: readonly number[]
}

/** What a look says of one metric. */
export interface LookVerdict {
  /**
   * `regressed`: significant after Holm's correction, and not smaller than the margin. `ok`: a change as large as the
   * margin is excluded. `undecided`: neither, which after the last look is inconclusive.
   */
  readonly verdict: 'regressed' | 'ok' | 'undecided'
  /** The interval lies wholly on the good side of zero; for display, it never gates. */
  readonly improved: boolean
  /** Pairs that it rests on. */
  readonly pairs: number
  /** Hodges-Lehmann estimate, a logarithm like the pairs; NaN for no pairs. */
  readonly estimate: number
  /** Exact interval of the estimate, with its coverage; absent for fewer than two pairs. */
  readonly interval?: readonly [number, number]
  readonly confidence?: number
  /** One-sided exact signed-rank test against "not worse". */
  readonly p: number
  /** The same after Holm's correction over the gated metrics; compared with the look's share of familyAlpha. */
  readonly adjustedP: number
  /** Change that a session like this one finds four times of five, a logarithm; absent for fewer than two pairs. */
  readonly detectable?: number
}

export interface LookOptions {
  readonly rule: GateRule
  /** Its number, from 0. */
  readonly look: number
  /** What the look before said, in the same order; absent at the first. */
  readonly earlier?: readonly LookVerdict[]
}

/** A number of a trial that can be compared: the question's own, or the target's CPU time per request. */
export type MetricKind = 'value' | 'cpu'

/** A metric that decides, declared before the run. */
export interface GatedMetric {
  /** Id of the question. */
  readonly question: string
  readonly kind: MetricKind
  /** Smallest change that matters, relative: 0.05 for 5 %. */
  readonly margin: number
}

/** `regressed` exit 1, `invalid` exit 2, `inconclusive` exit 0, or 3 with --strict. */
export type GateVerdict = 'regressed' | 'improved' | 'ok' | 'inconclusive' | 'invalid'

/** A candidate compared with a baseline that ran in the same session, on the same machine. */
export interface GateResult {
  readonly profile: string
  readonly verdict: GateVerdict
  /** Why it is invalid or inconclusive; what stands out otherwise. */
  readonly reasons: readonly string[]
  /** What the candidate was compared with; `spec` is the word of the command line. */
  readonly baseline: { readonly spec: string; readonly implementation: Implementation }
  /** Both are the same program: whatever differs is noise. */
  readonly isSameProgram: boolean
  readonly rule: GateRule
  /** Gated ones first, in the order declared; the others are shown and decide nothing. */
  readonly metrics: readonly GateMetric[]
  /** What cannot differ: the baseline against itself, and the way without a target in either cluster. */
  readonly controls: readonly GateControl[]
  readonly questions: readonly GateQuestion[]
}

/** Ratios are candidate over baseline. */
export interface GateMetric {
  /** `l7-latency/value`. */
  readonly id: string
  readonly title: string
  readonly unit: 'us' | 'req/s' | 'us/req'
  readonly better: 'lower' | 'higher'
  readonly isGated: boolean
  /** Relative. */
  readonly margin: number
  readonly verdict: GateVerdict
  /** The verdict in one sentence, with numbers. */
  readonly sentence: string
  /** Hodges-Lehmann; absent where there is no pair. */
  readonly ratio?: number
  readonly interval?: readonly [number, number]
  readonly confidence?: number
  readonly p: number
  readonly adjustedP: number
  /** Relative change that such a session finds four times of five; absent when it finds none. */
  readonly detectable?: number
  /** Medians over the complete pairs. */
  readonly baseline?: number
  readonly candidate?: number
  /** One ratio per complete pair. */
  readonly pairs: readonly number[]
}

export interface GateControl {
  readonly id: string
  readonly title: string
  readonly verdict: 'same' | 'unclear' | 'different'
  readonly ratio?: number
  readonly interval?: readonly [number, number]
  readonly confidence?: number
  readonly pairs: number
}

/** `control` is the baseline once more; `direct-a` and `direct-b` go past the target in the cluster of either. */
export type GateArmId = 'baseline' | 'candidate' | 'control' | 'direct-a' | 'direct-b'

export interface GateQuestion {
  readonly id: string
  readonly title: string
  readonly unit: 'us' | 'req/s'
  readonly better: 'lower' | 'higher'
  readonly load: string
  /** Pairs that were run again because a trial was not valid. */
  readonly requeued: number
  readonly arms: readonly { readonly id: GateArmId; readonly trials: readonly BenchTrial[] }[]
}
