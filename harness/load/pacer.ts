import { randomStream } from '../measure/random.ts'

/** Timers fire up to a millisecond late: the rest of the way is polled. */
const timerMarginMs = 1.2

/** A turn of polling that took longer than this was not idle: something else ran. */
const idleTurnMs = 0.1

/**
 * Arrival times of a Poisson process, in milliseconds from the start: equal seeds, equal times. The gaps are
 * exponential, so requests come in the bursts that independent clients make.
 */
export function poissonSchedule(seed: number, rateRps: number, durationMs: number): Float64Array {
  const next = randomStream(seed)
  const times: number[] = []
  for (let at = gap(next, rateRps); at < durationMs; at += gap(next, rateRps)) times.push(at)
  return Float64Array.from(times)
}

function gap(next: () => number, rateRps: number): number {
  return (-Math.log(1 - next()) * 1000) / rateRps
}

export interface PaceInit {
  /** Where the schedule's zero is, in milliseconds of `performance.now()`. */
  readonly startMs: number
  /** Called when a request is due, never before. */
  readonly start: (intendedMs: number) => void
  readonly stopped: () => boolean
  /** Told of time that went by waiting awake. */
  readonly polled?: (idleMs: number) => void
  /** Changes with everything that is done: a turn of polling in which it changed was not idle. */
  readonly activity?: () => number
}

/**
 * Starts everything in a schedule when it is due, and resolves when all have started or `stopped` says so. It sleeps
 * on a timer until shortly before the next one is due and polls the rest of the way, answers being read meanwhile.
 */
export function pace(
  schedule: Float64Array,
  { startMs, start, stopped, polled = () => undefined, activity = () => 0 }: PaceInit,
): Promise<void> {
  return new Promise((resolve) => {
    let index = 0
    let pollingSince: number | undefined
    let seenActivity = 0
    const turn = (): void => {
      const now = performance.now()
      if (pollingSince !== undefined) {
        const tookMs = now - pollingSince
        if (tookMs < idleTurnMs && activity() === seenActivity) polled(tookMs)
        pollingSince = undefined
      }
      let dueMs = startMs + (schedule[index] ?? Infinity)
      while (dueMs <= now && !stopped()) {
        start(dueMs)
        index += 1
        dueMs = startMs + (schedule[index] ?? Infinity)
      }
      if (index >= schedule.length || stopped()) {
        resolve()
        return
      }
      const waitMs = dueMs - performance.now()
      if (waitMs > timerMarginMs) setTimeout(turn, waitMs - timerMarginMs)
      else {
        pollingSince = performance.now()
        seenActivity = activity()
        setImmediate(turn)
      }
    }
    turn()
  })
}
