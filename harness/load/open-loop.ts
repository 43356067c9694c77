import { setTimeout as delay } from 'node:timers/promises'
import type { LoadJob, LoadOptions, LoadResult } from '../model/load.ts'
import type { Outcome } from './outcome.ts'
import { pace, poissonSchedule } from './pacer.ts'
import { warmUp } from './warm-up.ts'
import { measuredWindow, type Started } from './window.ts'

/** Sends one request when told to. */
export interface Issuer {
  readonly tool: string
  readonly issue: (onSent: () => void, onDone: (outcome: Outcome) => void) => void
  readonly close: () => void
}

/** How long answers are waited for after the window. */
const drainMs = 2_000

/** Before the first request is due. */
const leadMs = 5

/** The warm-up's arrivals are other ones than the window's, so that its length does not move these. */
const warmupSeed = 0x9e37_79b9

/**
 * Runs an open loop: requests start at times that were fixed beforehand, whether or not earlier ones were answered,
 * and their latency counts from these times. Only those that are due inside the window are counted.
 */
export async function openLoop(
  job: LoadJob,
  { tool, issue, close }: Issuer,
  { signal, began }: LoadOptions,
): Promise<LoadResult> {
  const { profile, durationMs, seed } = job
  if (profile.kind !== 'open-loop') throw new RangeError('profile.kind: want open-loop')
  const warm = warmUp(job)
  const window = measuredWindow(job, {
    onAnswer: warm.record,
    ...(began !== undefined && { onBegin: began }),
  })
  const open = new Set<Started>()
  const stopped = (): boolean => window.isStopped || signal.aborted

  const start = (intendedMs: number): void => {
    const request = window.start(intendedMs)
    open.add(request)
    if (window.isStopped) return
    issue(
      () => {
        request.sentMs = performance.now()
      },
      (outcome) => {
        if (open.delete(request)) window.done(request, outcome)
      },
    )
  }
  const run = async (schedule: Float64Array, startMs: number): Promise<void> => {
    const activity = (): number => window.activity
    const polled = (idleMs: number): void => {
      window.polled(idleMs)
    }
    await pace(schedule, { startMs, start, stopped, polled, activity })
  }
  try {
    let atMs = performance.now() + leadMs
    let stretch = 0
    for (const stretchMs of warm.stretches()) {
      stretch += 1
      await run(poissonSchedule(seed ^ (warmupSeed * stretch), profile.rateRps, stretchMs), atMs)
      atMs += stretchMs
    }
    await until(atMs, stopped)
    window.begin()
    await run(poissonSchedule(seed, profile.rateRps, durationMs), atMs)
    await until(atMs + durationMs, stopped)
    window.end()
    await drained(() => open.size === 0 || stopped())
    for (const request of open) window.abandon(request)
    open.clear()
  } finally {
    close()
  }
  signal.throwIfAborted()
  return window.result(tool)
}

async function until(timeMs: number, stopped: () => boolean): Promise<void> {
  const restMs = timeMs - performance.now()
  if (restMs > 0 && !stopped()) await delay(restMs)
}

async function drained(isDone: () => boolean): Promise<void> {
  const deadline = performance.now() + drainMs
  while (!isDone() && performance.now() < deadline) await delay(1)
}
