import { setPriority } from 'node:os'
import { createInterface } from 'node:readline'
import { parseJob } from './job.ts'
import { runLoad } from './run.ts'
import { parseWatch, watch } from './watch.ts'

/*
 * The load program: takes jobs as JSON lines on stdin, `{"id":n,"job":{...}}`, runs them one after the other and
 * answers each with `{"id":n,"result":{...}}`, `{"id":n,"error":"..."}` when the job makes no sense, or
 * `{"id":n,"broke":"..."}` when the generator itself failed. `{"id":n,"cancel":true}` ends a job without an answer.
 * Before its answer, a job with `together` says `{"id":n,"began":true}` when its window begins. `{"id":n,"watch":{...}}`
 * starts a watch beside all jobs: it says `{"id":n,"began":true}`, then `{"id":n,"sightings":[...]}` until it is
 * cancelled. `{"id":n,"clock":true}` is
 * answered at once by `{"id":n,"clockMs":...}`. The program ends with its stdin.
 */

/** A generator that waits for a CPU measures its own waiting. Only root may ask for this; without it we are as we are. */
try {
  setPriority(-10)
} catch {
  // why: the lag of the schedule tells, and invalidates a trial that suffered
}

const underWay = new Map<unknown, AbortController>()
let last = Promise.resolve()

function answer(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

async function serve(id: unknown, job: unknown, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  let parsed: ReturnType<typeof parseJob>
  try {
    parsed = parseJob(job)
  } catch (error) {
    answer({ id, error: textOf(error) })
    return
  }
  try {
    const began = (): void => {
      answer({ id, began: true })
    }
    const result = await runLoad(parsed, { signal, ...(parsed.together === true && { began }) })
    answer({ id, result })
  } catch (error) {
    if (!signal.aborted) answer({ id, broke: textOf(error) })
  }
}

function serveWatch(id: unknown, job: unknown, signal: AbortSignal): void {
  try {
    const parsed = parseWatch(job)
    answer({ id, began: true })
    watch(parsed, {
      signal,
      tell: (sightings) => {
        answer({ id, sightings })
      },
    })
  } catch (error) {
    answer({ id, error: textOf(error) })
  }
}

function receive(line: string): void {
  const message = read(line)
  if (message === undefined) {
    answer({ id: null, error: `line: got ${line.slice(0, 200)}, want {"id":n,"job":{...}}` })
    return
  }
  const { id, job, cancel, clock, watch: watched } = message
  if (clock === true) {
    answer({ id, clockMs: performance.now() })
    return
  }
  if (cancel === true) {
    underWay.get(id)?.abort()
    return
  }
  const controller = new AbortController()
  underWay.set(id, controller)
  if (watched !== undefined) {
    serveWatch(id, watched, controller.signal)
    return
  }
  last = last
    .then(() => serve(id, job, controller.signal))
    .finally(() => {
      underWay.delete(id)
    })
}

interface Message {
  readonly id: unknown
  readonly job?: unknown
  readonly watch?: unknown
  readonly clock?: unknown
  readonly cancel?: unknown
}

function read(line: string): Message | undefined {
  try {
    const message: unknown = JSON.parse(line)
    return typeof message === 'object' && message !== null && 'id' in message ? message : undefined
  } catch {
    return undefined
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

const lines = createInterface({ input: process.stdin })
lines.on('line', receive)
lines.on('close', () => {
  process.exit(0)
})
// why: whoever listened is gone, and so is the reason to be here
process.stdout.on('error', () => {
  process.exit(0)
})
