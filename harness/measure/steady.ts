import { median } from './quantile.ts'

/** Tells when a load has warmed up. */
export interface Steadiness {
  /** Takes one response time. @param nowMs - monotonic, when the answer came */
  record(responseUs: number, nowMs: number): void
  /** The medians of the last two whole slices differ by no more than the tolerance. */
  readonly isSteady: boolean
}

export interface SteadinessInit {
  /** Length of the slices that are compared. */
  readonly sliceMs: number
  /** Largest relative difference between two neighbours: 0.05 means 5 %. */
  readonly tolerance: number
}

/** Slices with fewer answers than this say nothing. */
const leastAnswers = 20

/** Compares the medians of neighbouring slices of time, the one under way left out (measurement.md, 2.2). */
export function steadiness({ sliceMs, tolerance }: SteadinessInit): Steadiness {
  let slice: number | undefined
  let times: number[] = []
  let isSteady = false
  let last: number | undefined
  const close = (): void => {
    const own = times.length < leastAnswers ? undefined : median(times)
    isSteady =
      own !== undefined &&
      last !== undefined &&
      Math.abs(own - last) <= tolerance * Math.max(own, last)
    last = own
    times = []
  }
  return {
    record: (responseUs, nowMs) => {
      const current = Math.floor(nowMs / sliceMs)
      if (slice !== undefined && current !== slice) {
        close()
        if (current > slice + 1) last = undefined
      }
      slice = current
      times.push(responseUs)
    },
    get isSteady() {
      return isSteady
    },
  }
}
