/** Where the level of a series changes. */
export interface FoundChange {
  /** First value after the change. */
  readonly index: number
  /** Of the permutation test. */
  readonly p: number
  /** Medians of the segments on either side. */
  readonly before: number
  readonly after: number
}

/** Results of releases along time. */
export interface History {
  readonly series: readonly HistorySeries[]
  readonly conformance: readonly ConformanceSeries[]
}

/** Whose results a series is made of: what is not equal makes another series, never another point. */
export interface HistoryOf {
  readonly project: string
  readonly mode?: string
  readonly target: string
  readonly provider: string
}

/** Along time what one metric of one implementation was, on machines that look alike. */
export interface HistorySeries extends HistoryOf {
  readonly metric: string
  readonly title: string
  readonly unit: string
  readonly better: 'lower' | 'higher'
  readonly load: string
  readonly from: 'bench' | 'gate' | 'experiment'
  /** Of the machine. */
  readonly fingerprint: string
  /** Major version of the suite: another one may measure otherwise. */
  readonly suiteMajor: string
  /** By the time of their start. */
  readonly points: readonly (HistoryPoint & Numbers)[]
  /** Advisory; empty also where there are too few points to look for any. */
  readonly changes: readonly FoundChange[]
}

export interface HistoryPoint {
  readonly name: string
  readonly runId: string
  readonly startedAt: string
  /** Of the implementation. */
  readonly version: string
  readonly suiteVersion: string
}

interface Numbers {
  readonly value: number
  readonly isCensored?: true
  readonly interval?: readonly [number, number]
  readonly confidence?: number
  readonly trials: number
}

/** The same of conformance, which does not depend on how fast a machine is. */
export interface ConformanceSeries extends HistoryOf {
  /** What was chosen to run, as flags. */
  readonly selection: string
  readonly points: readonly (HistoryPoint & {
    readonly conclusion: string
    readonly mustPassed: number
    readonly mustJudged: number
    /** Rows that passed at the point before, and fail here. */
    readonly newlyFailing: readonly string[]
    readonly newlyPassing: readonly string[]
  })[]
}
