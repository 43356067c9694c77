import { setTimeout as delay } from 'node:timers/promises'
import type { LoadJob, LoadResult } from '../model/load.ts'
import type { Outcome } from './http-connection.ts'
import { pace, poissonSchedule } from './pacer.ts'
import { measuredWindow } from './window.ts'

/** Sends one request when told to. */
export interface Issuer {
  readonly tool: string
  readonly issue: (onSent: () => void, onDone: (outcome: Outcome) => void) => void
  readonly close: () => void
}

/** How long answers are waited for after the window. */
const drainMs = 2_000

/**
 * Runs an open loop: requests start at times that were fixed beforehand, in one schedule over warm-up and window, and
 * their latency counts from these times. Only those that are due inside the window are counted.
 */
export async function openLoop(job: LoadJob, issuer: Issuer): Promise<LoadResult> {
  const { profile, warmupMs, durationMs, seed } = job
  if (profile.kind !== 'open-loop') throw new RangeError('profile.kind: want open-loop')
  const window = measuredWindow(job)
  const schedule = poissonSchedule(seed, profile.rateRps, warmupMs + durationMs)
  const startMs = performance.now() + 5
  const windowStartMs = startMs + warmupMs
  let began = false
  let open = 0
  await pace(
    schedule,
    startMs,
    (_, intendedMs) => {
      const counts = intendedMs >= windowStartMs
      if (counts && !began) {
        began = true
        window.begin()
      }
      if (counts) window.scheduled()
      open += 1
      window.inFlight = open
      if (open > profile.maxInFlight) {
        window.overflowed()
        return
      }
      let sentMs = 0
      const isLate = performance.now()
      if (counts) window.sent(intendedMs, isLate)
      issuer.issue(
        () => {
          sentMs = performance.now()
        },
        (outcome) => {
          open -= 1
          window.inFlight = open
          if (outcome.kind === 'foreign') window.foreign(outcome.detail)
          else if (counts && outcome.kind === 'failed') window.failed(outcome.why)
          else if (counts) window.completed(intendedMs, sentMs, performance.now())
        },
      )
    },
    () => window.isStopped,
    (idleMs) => {
      window.polled(idleMs)
    },
  )
  const restMs = startMs + warmupMs + durationMs - performance.now()
  if (restMs > 0 && !window.isStopped) await delay(restMs)
  window.end()
  await drained(() => open === 0 || window.isStopped)
  for (let left = open; left > 0 && !window.isStopped; left -= 1) window.failed('timed-out')
  issuer.close()
  return window.result(issuer.tool)
}

async function drained(isDone: () => boolean): Promise<void> {
  const deadline = performance.now() + drainMs
  while (!isDone() && performance.now() < deadline) await delay(1)
}
