/** What another load generator saw of the same thing. Times are from sending to the last byte, in microseconds. */
export interface SecondOpinion {
  /** Name and version: `k6 v1.8.1`. */
  readonly tool: string
  /** What was asked: "GET ClusterIP, port http-0 (L7)". */
  readonly asked: string
  /** Names of the nodes that it loaded from, at once; absent where it was one. */
  readonly nodes?: readonly string[]
  /** Median of our own generator for the same request at the same rate. */
  readonly oursP50Us?: number
  /** What was asked for, requests per second. */
  readonly rateRps: number
  readonly windowMs: number
  readonly count: number
  readonly achievedRps: number
  /** Requests that failed, and those that the tool did not even send. */
  readonly failed: number
  readonly dropped: number
  /** Absent where the samples do not carry it: 50 beyond it are wanted (measurement.md). */
  readonly p50Us?: number
  readonly p90Us?: number
  readonly p99Us?: number
  readonly p999Us?: number
  /** Why this must not be used; empty for a valid one. */
  readonly invalid: readonly string[]
}
