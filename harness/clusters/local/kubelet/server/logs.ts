import { createReadStream, existsSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { createInterface } from 'node:readline'
import type { ContainerLog } from '../container/log.ts'
import type { ContainerState } from '../container/state.ts'

/** What a request for a log asks for (PodLogOptions). */
interface LogOptions {
  readonly follow: boolean
  readonly timestamps: boolean
  /** Milliseconds since the epoch. */
  readonly sinceMs: number
  readonly tailLines: number
  readonly limitBytes: number
  readonly stream: 'stdout' | 'stderr' | undefined
}

/** Sends a container's log; with `follow`, until the container ends or the client goes. */
export async function sendLog(
  state: ContainerState,
  pod: string,
  query: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  const isPrevious = query.get('previous') === 'true'
  const log = isPrevious ? state.previousLog : state.log
  if (log === undefined) {
    const { name } = state.spec
    const message = isPrevious
      ? `previous terminated container "${name}" in pod "${pod}" not found`
      : `container "${name}" in pod "${pod}" is waiting to start`
    response.writeHead(400, { 'content-type': 'text/plain' }).end(message)
    return
  }
  const options = optionsOf(query)
  response.writeHead(200, { 'content-type': 'text/plain' })
  response.flushHeaders()
  const put = writer(response, options)
  // why: listening begins in the same turn in which the size is taken, so that no line is missed or told twice
  const pending: string[] = []
  let isCaughtUp = false
  const stop = log.onLines((lines) => {
    if (isCaughtUp) put(lines)
    else pending.push(lines)
  })
  response.on('close', stop)
  const goesOn = options.follow && !isPrevious && state.phase.kind === 'running'
  const ended = state.phase.kind === 'running' ? state.phase.container.exited : undefined
  for (const line of await written(log, options)) put(`${line}\n`)
  if (goesOn) {
    for (const lines of pending) put(lines)
    isCaughtUp = true
    await Promise.race([ended, new Promise((resolve) => response.on('close', resolve))])
  }
  stop()
  response.end()
}

function optionsOf(query: URLSearchParams): LogOptions {
  const number = (name: string): number => {
    const value = query.get(name)
    return value === null ? Number.POSITIVE_INFINITY : Number(value)
  }
  const time = query.get('sinceTime')
  const seconds = query.get('sinceSeconds')
  const stream = query.get('stream')?.toLowerCase()
  return {
    follow: query.get('follow') === 'true',
    timestamps: query.get('timestamps') === 'true',
    sinceMs:
      time !== null ? Date.parse(time) : seconds !== null ? Date.now() - Number(seconds) * 1000 : 0,
    tailLines: number('tailLines'),
    limitBytes: number('limitBytes'),
    stream: stream === 'stdout' || stream === 'stderr' ? stream : undefined,
  }
}

/** Writes lines as the client wants them, up to its limit. */
function writer(response: ServerResponse, options: LogOptions): (lines: string) => void {
  let leftBytes = options.limitBytes
  return (lines) => {
    if (response.destroyed || leftBytes <= 0) return
    const shown = lines
      .split('\n')
      .map((line) => shownLine(line, options))
      .filter((line) => line !== undefined)
      .join('')
    const bytes = Buffer.from(shown)
    response.write(bytes.length > leftBytes ? bytes.subarray(0, leftBytes) : bytes)
    leftBytes -= bytes.length
  }
}

function shownLine(line: string, { timestamps, sinceMs, stream }: LogOptions): string | undefined {
  const match = /^(\S+) (stdout|stderr) F /.exec(line)
  if (match === null) return undefined
  const [head, time = '', from] = match
  if (stream !== undefined && from !== stream) return undefined
  if (sinceMs > 0 && Date.parse(time) < sinceMs) return undefined
  const text = line.slice(head.length)
  return timestamps ? `${time} ${text}\n` : `${text}\n`
}

async function written(log: ContainerLog, { tailLines }: LogOptions): Promise<readonly string[]> {
  const sizeBytes = log.sizeBytes()
  const lines: string[] = []
  const read = async (path: string, end: number | undefined): Promise<void> => {
    if (!existsSync(path) || end === -1) return
    const input = createReadStream(path, end === undefined ? {} : { end })
    for await (const line of createInterface({ input, crlfDelay: Infinity })) lines.push(line)
  }
  await read(log.olderPath, undefined)
  await read(log.path, sizeBytes - 1)
  if (tailLines === 0) return []
  return tailLines < lines.length ? lines.slice(-tailLines) : lines
}
