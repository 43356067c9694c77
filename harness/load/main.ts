import { setPriority } from 'node:os'
import { createInterface } from 'node:readline'
import { parseJob } from './job.ts'
import { runLoad } from './run.ts'

/*
 * The load program: takes jobs as JSON lines on stdin, `{"id":n,"job":{...}}`, runs them one after the other and
 * answers each with `{"id":n,"result":{...}}` or `{"id":n,"error":"..."}`. It ends with its stdin.
 */

/** A generator that waits for a CPU measures its own waiting. Only root may ask for this; without it we are as we are. */
try {
  setPriority(-10)
} catch {
  // why: the lag of the schedule tells, and invalidates a trial that suffered
}

let last = Promise.resolve()

async function serve(line: string): Promise<void> {
  const { id, job } = JSON.parse(line) as { readonly id: number; readonly job: unknown }
  try {
    const result = await runLoad(parseJob(job))
    process.stdout.write(`${JSON.stringify({ id, result })}\n`)
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    process.stdout.write(`${JSON.stringify({ id, error: text })}\n`)
  }
}

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  last = last.then(() => serve(line))
})
lines.on('close', () => {
  process.exit(0)
})
