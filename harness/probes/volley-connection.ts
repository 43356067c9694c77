import type { Socket } from 'node:net'
import type { NotAnswered, VolleyJob } from '../model/probe.ts'
import { connectionFailure, openConnection } from './connection.ts'
import { closed, malformed, timedOut } from './failure.ts'
import { valuesOf } from './http-head.ts'
import { requestText } from './http-request.ts'
import { responseReader } from './http-response.ts'

/** What one connection brought: an answer per request, and why there are not more. */
export interface VolleyOutcome {
  readonly answers: readonly string[]
  readonly failure?: Omit<NotAnswered, 'durationMs'>
  /** From connecting to the last answer or the failure. */
  readonly durationMs: number
}

/** A first line that is longer is malformed. */
const longestLineBytes = 8 * 1024

/** A peer that does not close after we did is left after this time. */
const closingMs = 1_000

/**
 * One connection of a volley.
 * @throws the operating system's error when no connection can be made from here (no port left, an address not ours)
 */
export async function askOnce(
  job: VolleyJob,
  localAddress: string | undefined,
  signal: AbortSignal,
): Promise<VolleyOutcome> {
  const bound = new AbortController()
  const giveUp = (): void => {
    bound.abort()
  }
  const timer = setTimeout(giveUp, job.connectionTimeoutMs)
  if (signal.aborted) giveUp()
  signal.addEventListener('abort', giveUp, { once: true })
  const answers: string[] = []
  const startedAt = performance.now()
  const elapsedMs = (): number => performance.now() - startedAt
  let socket: Socket | undefined
  try {
    const from = localAddress === undefined ? {} : { localAddress }
    socket = await openConnection(job.host, job.port, bound.signal, from)
    const failure = await exchange(socket, job, answers)
    const durationMs = elapsedMs()
    if (failure === undefined) await close(socket)
    return { answers, durationMs, ...(failure !== undefined && { failure }) }
  } catch (error) {
    const failure = bound.signal.aborted
      ? timedOut(`no answer within ${job.connectionTimeoutMs} ms`)
      : connectionFailure(error)
    return { answers, durationMs: elapsedMs(), failure }
  } finally {
    socket?.destroy()
    clearTimeout(timer)
    signal.removeEventListener('abort', giveUp)
  }
}

/** Gives bytes to a reader until it has its answer, or finds that there is none. */
interface AnswerReader {
  readonly push: (chunk: Buffer) => Verdict | undefined
  readonly end: () => Verdict
}

type Verdict = { readonly answer: string } | { readonly failure: Omit<NotAnswered, 'durationMs'> }

async function exchange(
  socket: Socket,
  { host, port, send, http }: VolleyJob,
  answers: string[],
): Promise<VolleyOutcome['failure']> {
  if (send !== undefined) socket.write(send)
  const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  for (const request of http ?? [undefined]) {
    if (request !== undefined)
      socket.write(requestText({ target: request.path, authority, headers: request.headers ?? [] }))
    const reader = request === undefined ? lineReader() : podReader()
    const verdict = await readAnswer(socket, reader)
    if ('failure' in verdict) return verdict.failure
    answers.push(verdict.answer)
  }
  return undefined
}

function readAnswer(socket: Socket, reader: AnswerReader): Promise<Verdict> {
  return new Promise((resolve, reject) => {
    const over = (settle: () => void): void => {
      socket.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', onError)
      socket.on('error', () => undefined)
      socket.pause()
      settle()
    }
    const onData = (chunk: Buffer): void => {
      const verdict = reader.push(chunk)
      if (verdict !== undefined)
        over(() => {
          resolve(verdict)
        })
    }
    const onEnd = (): void => {
      over(() => {
        resolve(reader.end())
      })
    }
    const onError = (error: Error): void => {
      over(() => {
        reject(error)
      })
    }
    socket.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', onError)
    if (socket.readableEnded || socket.destroyed) onEnd()
    else socket.resume()
  })
}

function lineReader(): AnswerReader {
  let line: Buffer = Buffer.alloc(0)
  return {
    push: (chunk) => {
      line = Buffer.concat([line, chunk])
      const end = line.indexOf('\n')
      if (end === -1 ? line.length > longestLineBytes : end > longestLineBytes)
        return { failure: malformed(`the first line has over ${longestLineBytes} bytes`) }
      if (end === -1) return undefined
      return { answer: line.subarray(0, end).toString('utf8').replace(/\r$/, '') }
    },
    end: () => ({ failure: closed(`the peer closed after ${line.length} bytes without a line`) }),
  }
}

function podReader(): AnswerReader {
  const reader = responseReader('GET')
  const verdict = (state: ReturnType<typeof reader.state>): Verdict | undefined => {
    if (state.kind === 'malformed') return { failure: malformed(state.why) }
    if (state.kind === 'reading') return undefined
    const [pod] = valuesOf(state.response, 'x-pod')
    if (pod !== undefined) return { answer: pod }
    return { failure: malformed(`status ${state.response.status} without the header x-pod`) }
  }
  return {
    push: (chunk) => verdict(reader.push(chunk)),
    end: () => {
      const state = reader.end()
      const where = state.kind === 'reading' ? state.where : ''
      return verdict(state) ?? { failure: closed(`the connection closed ${where}`) }
    },
  }
}

/** Half-closes and waits for the peer, so that no RST goes out and no descriptor stays. */
function close(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, closingMs)
    socket.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
    socket.resume().end()
  })
}
