import type { PairedEffect } from './run-result.ts'

/** One number that a run measured, with how much its trials scatter. */
export interface Measured {
  /** `l7-latency/value`: the target's number; `/cpu`: its CPU time per request; `/direct`: the way without it. */
  readonly id: string
  readonly title: string
  readonly unit: string
  readonly better: 'lower' | 'higher'
  readonly load: string
  /** `gate`: the candidate of a session with pairs, whose trials are shorter than those of a benchmark. */
  readonly from: 'bench' | 'gate'
  /** Median over the valid trials. */
  readonly value: number
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
