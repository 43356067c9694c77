import { createInterface } from 'node:readline'
import type { ProbeJob } from '../model/probe.ts'
import { JobProblem, parseJob } from './job.ts'
import { runJob } from './run.ts'

/*
 * The probe program: a client that stands at one position. Jobs come as JSON lines on stdin, many at once, and each is
 * answered by one line: `{"id":n,"observation":{...}}`, or `{"id":n,"error":"..."}` when the job makes no sense.
 * `{"id":n,"cancel":true}` gives a job up. It ends with its stdin.
 */

interface Request {
  readonly id: number
  readonly job?: unknown
  readonly cancel?: boolean
}

const running = new Map<number, AbortController>()

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
    const parsed: ProbeJob = parseJob(job)
    answer({ id, observation: await runJob(parsed, controller.signal) })
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    answer({ id, error: error instanceof JobProblem ? text : `the probe broke: ${text}` })
  } finally {
    running.delete(id)
  }
}

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  void serve(JSON.parse(line) as Request)
})
lines.on('close', () => {
  process.exit(0)
})
