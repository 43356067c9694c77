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
