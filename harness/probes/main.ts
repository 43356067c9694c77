import { createInterface } from 'node:readline'
import { parseJob } from './job.ts'
import { JobProblem } from './rules.ts'
import { runJob } from './run.ts'

/*
 * The probe program: a client that stands at one position. Jobs come as JSON lines on stdin, many at once, and each is
 * answered by one line: `{"id":n,"observation":{...}}`; `{"id":n,"error":"..."}` when the job makes no sense;
 * `{"id":n,"broke":"..."}` when the probe itself failed. `{"id":n,"cancel":true}` gives a job up, without an answer.
 * It ends with its stdin, and what it started ends with it.
 */

interface Request {
  readonly id: unknown
  readonly job?: unknown
  readonly cancel?: unknown
}

const running = new Map<unknown, AbortController>()

function answer(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

async function serve({ id, job, cancel }: Request): Promise<void> {
  if (cancel === true) {
    running.get(id)?.abort()
    return
  }
  const controller = new AbortController()
  running.set(id, controller)
  try {
    const observation = await runJob(parseJob(job), controller.signal)
    if (!controller.signal.aborted) answer({ id, observation })
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    if (!controller.signal.aborted)
      answer(error instanceof JobProblem ? { id, error: text } : { id, broke: text })
  } finally {
    running.delete(id)
  }
}

function read(line: string): Request | undefined {
  try {
    const message: unknown = JSON.parse(line)
    if (typeof message === 'object' && message !== null && 'id' in message) return message
  } catch {
    // why: told below, like everything else that is no message
  }
  answer({ id: null, error: `line: got ${line.slice(0, 200)}, want {"id":n,"job":{...}}` })
  return undefined
}

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  const request = read(line)
  if (request !== undefined) void serve(request)
})
lines.on('close', () => {
  for (const controller of running.values()) controller.abort()
  process.exit(0)
})
// why: whoever listened is gone, and so is the reason to be here
process.stdout.on('error', () => {
  process.exit(0)
})
