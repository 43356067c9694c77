import type { PairedEffect } from './run-result.ts'

/** One number that a run measured, with how much its trials scatter. */
export interface Measured {
  /**
   * `l7-latency/value`: the target's number; `/cpu`: its CPU time per request; `/direct`: the way without it. Of an
   * experiment its metrics: `convergence-l4/remove-ms`.
   */
  readonly id: string
  readonly title: string
  readonly unit: string
  readonly better: 'lower' | 'higher'
  readonly load: string
  /**
   * `gate`: the candidate of a session with pairs, whose trials are shorter than those of a benchmark. `experiment`: its
   * trials are events, sizes or searches.
   */
  readonly from: 'bench' | 'gate' | 'experiment'
  /** Median over the valid trials; of an experiment's slope, the slope. */
  readonly value: number
  /** Waiting was given up: the true value is worse than that. */
  readonly isCensored?: true
  /** Exact interval of that median over the trials of this one session; says nothing of other sessions. */
  readonly interval?: readonly [number, number]
  readonly confidence?: number
  /** Valid ones. */
  readonly trials: number
  /** Against the direct way of the same run. */
  readonly effect?: PairedEffect
}

/** What `measure/` has and results are described with. */
export interface Describing {
  readonly median: (values: readonly number[]) => number
  readonly medianInterval: (
    values: readonly number[],
    wantedConfidence: number,
  ) => { readonly interval: readonly [number, number]; readonly confidence: number } | undefined
}
