/** The end of a pod: it begins once, and has to be over by a time that can only come nearer. */
export interface Ending {
  /** Aborted when the end begins. */
  readonly begun: AbortSignal
  /** Aborted when the grace period is over: whatever still runs is killed. */
  readonly overdue: AbortSignal
  /** Begins the end, or brings its deadline forward. */
  within(ms: number): void
  /** Time left; 0 when it is overdue. */
  leftMs(): number
}

/** A grace period of a year and more is longer than timers can wait. */
const longestTimerMs = 2 ** 31 - 1

export function ending(): Ending {
  const begun = new AbortController()
  const overdue = new AbortController()
  let deadline = Number.POSITIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  return {
    begun: begun.signal,
    overdue: overdue.signal,
    within: (ms) => {
      const wanted = performance.now() + ms
      if (wanted < deadline) {
        deadline = wanted
        clearTimeout(timer)
        if (ms <= 0) overdue.abort()
        else timer = setTimeout(() => overdue.abort(), Math.min(ms, longestTimerMs))
      }
      // why last: who hears of the end asks at once how much time is left
      begun.abort()
    },
    leftMs: () => Math.max(0, deadline - performance.now()),
  }
}
