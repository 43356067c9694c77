import { setTimeout as delay } from 'node:timers/promises'
import type { LoadJob, LoadResult } from '../model/load.ts'
import type { Outcome } from './http-connection.ts'
import { measuredWindow } from './window.ts'

/** One client: sends a request and calls back with what came of it. */
export type Client = (onDone: (outcome: Outcome) => void) => void

export interface ClosedLoopInit {
  readonly tool: string
  readonly clients: readonly Client[]
  readonly close: () => void
}

/** A client whose requests fail at once must not spin. */
const afterFailureMs = 1

/** Runs a closed loop: every client starts its next request when it has the answer to the last. */
export async function closedLoop(
  job: LoadJob,
  { tool, clients, close }: ClosedLoopInit,
): Promise<LoadResult> {
  const window = measuredWindow(job)
  let counting = false
  let over = false
  let open = 0
  const next = (client: Client): void => {
    if (over || window.isStopped) return
    const counts = counting
    const startMs = performance.now()
    if (counts) window.scheduled()
    open += 1
    window.inFlight = open
    client((outcome) => {
      open -= 1
      window.inFlight = open
      if (outcome.kind === 'foreign') window.foreign(outcome.detail)
      else if (counts && outcome.kind === 'failed') window.failed(outcome.why)
      else if (counts) window.completed(startMs, startMs, performance.now())
      if (outcome.kind === 'failed') setTimeout(next, afterFailureMs, client)
      else next(client)
    })
  }
  for (const client of clients) next(client)
  await delay(job.warmupMs)
  counting = true
  window.begin()
  await delay(job.durationMs)
  window.end()
  over = true
  const deadline = performance.now() + 2_000
  while (open > 0 && !window.isStopped && performance.now() < deadline) await delay(1)
  close()
  return window.result(tool)
}
