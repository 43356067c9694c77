/** The statistics that a benchmark needs; `measure/` has them, the command line hands them in. */
export interface Statistics {
  /** Independent fair coin flips, one per pair: true means that the second arm runs first. */
  readonly coinFlips: (seed: number, pairs: number) => readonly boolean[]
  readonly median: (values: readonly number[]) => number
  readonly hodgesLehmann: (values: readonly number[]) => number
  /** Exact interval of the Hodges-Lehmann estimate at the wanted confidence or the highest that so few values allow. */
  readonly interval: (
    values: readonly number[],
    wantedConfidence: number,
  ) => { readonly interval: readonly [number, number]; readonly confidence: number } | undefined
}

/** What experiments need beside. */
export interface ExperimentStatistics extends Pick<Statistics, 'median'> {
  /** Uniform in [0, 1), the same for the same seed. */
  readonly random: (seed: number) => () => number
  /** Theil-Sen. */
  readonly slope: (points: readonly (readonly [x: number, y: number])[]) => number
  /** Exact interval of the median, or the highest confidence that so few values allow. */
  readonly medianInterval: Statistics['interval']
}
