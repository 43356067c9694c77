import { steadiness } from '../measure/steady.ts'
import type { LoadJob } from '../model/load.ts'

/** Warm-ups shorter than this are kept to the millisecond: too short to tell what is steady. */
const leastMs = 1_000

/** A longer one is prolonged by slices of this length, while it is not steady, to at most twice its length. */
const sliceMs = 500

/** How long a warm-up goes on. */
export interface WarmUp {
  /** Takes one response time and when the answer came. */
  readonly record: (responseUs: number, nowMs: number) => void
  /** The stretches that it consists of: asks for the next one when the last is over. */
  readonly stretches: () => Generator<number>
}

export function warmUp({ warmupMs, together }: LoadJob): WarmUp {
  const steady = steadiness({ sliceMs, tolerance: 0.05 })
  return {
    record: (responseUs, nowMs) => {
      steady.record(responseUs, nowMs)
    },
    stretches: function* () {
      if (warmupMs > 0) yield warmupMs
      // why: the windows of several programs have to lie over each other
      if (warmupMs < leastMs || together === true) return
      for (let moreMs = 0; moreMs < warmupMs && !steady.isSteady; moreMs += sliceMs) yield sliceMs
    },
  }
}
