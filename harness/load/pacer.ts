import { randomStream } from '../measure/random.ts'

/** Timers fire up to a millisecond late: the rest of the way is polled. */
const timerMarginMs = 1.2

/** Two turns of polling that are closer than this had no work between them. */
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

/**
 * Calls `start` for every time of a schedule when it is due, never before; the caller learns by how much it is late.
 * Resolves when all have started. `stopped` ends it early; `polled` is told of time that went by waiting awake.
 */
export function pace(
  schedule: Float64Array,
  startMs: number,
  start: (index: number, intendedMs: number) => void,
  stopped: () => boolean,
  polled: (idleMs: number) => void = () => undefined,
): Promise<void> {
  return new Promise((resolve) => {
    let index = 0
    let idleSince: number | undefined
    const turn = (): void => {
      const now = performance.now()
      if (idleSince !== undefined && now - idleSince < idleTurnMs) polled(now - idleSince)
      idleSince = undefined
      while (index < schedule.length && startMs + (schedule[index] ?? 0) <= now) {
        if (stopped()) break
        start(index, startMs + (schedule[index] ?? 0))
        index += 1
      }
      if (index >= schedule.length || stopped()) {
        resolve()
        return
      }
      const waitMs = startMs + (schedule[index] ?? 0) - now
      if (waitMs > timerMarginMs) setTimeout(turn, waitMs - timerMarginMs)
      else {
        idleSince = performance.now()
        setImmediate(turn)
      }
    }
    turn()
  })
}
