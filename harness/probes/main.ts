import { createInterface } from 'node:readline'
import { parseJob } from './job.ts'
import { JobProblem } from './rules.ts'
import { runJob } from './run.ts'
import { keepStreams } from './streams.ts'

/*
 * The probe program: a client that stands at one position. Jobs come as JSON lines on stdin, many at once, and each is
 * answered by one line: `{"id":n,"observation":{...}}`; `{"id":n,"error":"..."}` when the job makes no sense;
 * `{"id":n,"broke":"..."}` when the probe itself failed. `{"id":n,"cancel":true}` gives a job up, without an answer.
 * Streams: `{"id":n,"open":{...}}` is answered by `{"id":n,"opened":{...}}`; that connection is stream n from then on.
 * `{"id":m,"stream":n,"play":[...]}` is answered by `{"id":m,"played":{...}}`, `{"id":m,"stream":n,"close":true}` by
 * `{"id":m,"closed":true}`. Giving up an opening or a play closes the stream.
 * It ends with its stdin, and what it started ends with it.
 */

interface Request {
  readonly id: unknown
  readonly job?: unknown
  readonly open?: unknown
  readonly stream?: unknown
  readonly play?: unknown
  readonly close?: unknown
  readonly cancel?: unknown
}

const running = new Map<unknown, AbortController>()
const streams = keepStreams()

function answer(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

async function serve(request: Request): Promise<void> {
  const { id, cancel } = request
  if (cancel === true) {
    running.get(id)?.abort()
    streams.close(id)
    return
  }
  const controller = new AbortController()
  running.set(id, controller)
  try {
    const outcome = await outcomeOf(request, controller.signal)
    if (!controller.signal.aborted) answer({ id, ...outcome })
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    if (!controller.signal.aborted)
      answer(error instanceof JobProblem ? { id, error: text } : { id, broke: text })
  } finally {
    running.delete(id)
  }
}

async function outcomeOf(request: Request, signal: AbortSignal): Promise<object> {
  const { id, job, open, stream, play, close } = request
  if (open !== undefined) return { opened: await streams.open(id, open, signal) }
  if (stream === undefined) return { observation: await runJob(parseJob(job), signal) }
  if (close !== true) return { played: await streams.play(stream, play, signal) }
  streams.close(stream)
  return { closed: true }
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
