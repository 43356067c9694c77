import { setTimeout as delay } from 'node:timers/promises'
import type { LoadJob, LoadOptions, LoadResult } from '../model/load.ts'
import type { Client } from './outcome.ts'
import { warmUp } from './warm-up.ts'
import { measuredWindow, type Started } from './window.ts'

export interface ClosedLoopInit {
  readonly tool: string
  readonly clients: readonly Client[]
  readonly close: () => void
}

/** A client whose requests fail at once must not spin. */
const afterFailureMs = 1

/** How long answers are waited for after the window. */
const drainMs = 2_000

/** How often it is looked whether a trial cannot become valid any more. */
const lookEveryMs = 20

/** Runs a closed loop: every client starts its next request when it has the answer to the last. */
export async function closedLoop(
  job: LoadJob,
  { tool, clients, close }: ClosedLoopInit,
  { signal, began }: LoadOptions,
): Promise<LoadResult> {
  const warm = warmUp(job)
  const window = measuredWindow(job, {
    onAnswer: warm.record,
    ...(began !== undefined && { onBegin: began }),
  })
  const open = new Set<Started>()
  let isOver = false
  const stopped = (): boolean => window.isStopped || signal.aborted

  const next = (client: Client): void => {
    if (isOver || stopped()) return
    const request = window.start(performance.now())
    request.sentMs = request.intendedMs
    open.add(request)
    client((outcome) => {
      if (!open.delete(request)) return
      window.done(request, outcome)
      if (outcome.kind === 'failed') setTimeout(next, afterFailureMs, client)
      else next(client)
    })
  }
  try {
    for (const client of clients) next(client)
    for (const stretchMs of warm.stretches()) await during(stretchMs, stopped)
    window.begin()
    await during(job.durationMs, stopped)
    window.end()
    isOver = true
    await during(drainMs, () => open.size === 0 || stopped(), 1)
    for (const request of open) window.abandon(request)
    open.clear()
  } finally {
    isOver = true
    close()
  }
  signal.throwIfAborted()
  return window.result(tool)
}

/** Lets time go by until it is over, or something else is. */
export async function during(
  lengthMs: number,
  isOver: () => boolean,
  lookMs: number = lookEveryMs,
): Promise<void> {
  const endMs = performance.now() + lengthMs
  for (let restMs = lengthMs; restMs > 0 && !isOver(); restMs = endMs - performance.now())
    await delay(Math.min(lookMs, Math.ceil(restMs)))
}
