/** The two requests that are made to the Kubernetes API: a whole answer as JSON, and a watch line by line. */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { StringDecoder } from 'node:string_decoder'
import type { Access } from './access.ts'

/** The API answered with something other than success; `status` 0: it was no HTTP answer that can be used. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number

  constructor(status: number, message: string, options: ErrorOptions = {}) {
    super(message, options)
    this.status = status
  }
}

export interface WatchEvent {
  readonly type: string
  readonly object: unknown
}

export interface Api {
  /** @throws ApiError, or Error when the API cannot be reached in time */
  get(path: string, options: RequestOptions): Promise<unknown>
  /** Ends when the server ends it. @throws as `get`, and when nothing came for `idleMs` */
  watch(path: string, options: WatchOptions): AsyncGenerator<WatchEvent>
  close(): void
}

export interface RequestOptions {
  readonly signal: AbortSignal
  /** For the whole answer; a watch: until its headers came. */
  readonly timeoutMs?: number
}

export interface WatchOptions extends RequestOptions {
  readonly idleMs: number
}

const defaultTimeoutMs = 15_000

/** A list of a large cluster is some ten MiB; what is much larger is not one. */
const maxAnswerChars = 512 * 1024 * 1024

export function apiOf(access: Access): Api {
  const url = new URL(access.server)
  const secure = url.protocol === 'https:'
  // why: a dead connection (cable pulled, NAT forgot) is noticed by probes after 10 s of silence
  const options = { keepAlive: true, keepAliveMsecs: 10_000, maxSockets: 16 }
  const agent = secure
    ? new Agent({
        ...options,
        rejectUnauthorized: !access.skipVerify,
        ...(access.ca !== undefined && { ca: access.ca }),
        ...(access.clientCertificate !== undefined && { cert: access.clientCertificate }),
        ...(access.clientKey !== undefined && { key: access.clientKey }),
        ...(access.serverName !== undefined && { servername: access.serverName }),
      })
    : new HttpAgent(options)

  const open = async (
    path: string,
    { signal, timeoutMs = defaultTimeoutMs }: RequestOptions,
  ): Promise<IncomingMessage> => {
    const token = await access.token()
    signal.throwIfAborted()
    const headers = {
      accept: 'application/json',
      'user-agent': 'meshmark-reference',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    }
    return await new Promise<IncomingMessage>((resolve, reject) => {
      const call = (secure ? request : httpRequest)(`${access.server}${path}`, {
        agent,
        headers,
        signal,
      })
      const timer = setTimeout(() => {
        call.destroy(new Error(`no answer from ${url.host} within ${timeoutMs} ms`))
      }, timeoutMs)
      call.once('response', (answer) => {
        clearTimeout(timer)
        resolve(answer)
      })
      call.once('error', (error) => {
        clearTimeout(timer)
        reject(error)
      })
      call.end()
    })
  }

  return {
    async get(path, options) {
      const { timeoutMs = defaultTimeoutMs } = options
      const signal = AbortSignal.any([options.signal, AbortSignal.timeout(timeoutMs)])
      const answer = await open(path, { ...options, signal })
      const text = await textOf(answer)
      const { statusCode = 0 } = answer
      if (statusCode !== 200) throw failure(statusCode, path, text)
      return parse(text, path)
    },
    async *watch(path, { idleMs, ...options }) {
      const answer = await open(path, options)
      const { statusCode = 0 } = answer
      if (statusCode !== 200) throw failure(statusCode, path, await textOf(answer))
      let timer: NodeJS.Timeout | undefined
      const awaitMore = (): void => {
        clearTimeout(timer)
        timer = setTimeout(() => {
          answer.destroy(new Error(`the watch was silent for ${idleMs} ms`))
        }, idleMs)
      }
      try {
        awaitMore()
        for await (const line of lines(answer)) {
          awaitMore()
          yield eventOf(line, path)
        }
      } finally {
        clearTimeout(timer)
        answer.destroy()
      }
    },
    close: () => agent.destroy(),
  }
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const decoder = new StringDecoder('utf8')
  let text = ''
  for await (const chunk of answer) {
    text += decoder.write(chunk as Buffer)
    if (text.length > maxAnswerChars) throw new ApiError(0, 'the answer does not end')
  }
  return text + decoder.end()
}

async function* lines(answer: IncomingMessage): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  for await (const chunk of answer) {
    const parts = (rest + decoder.write(chunk as Buffer)).split('\n')
    rest = parts.pop() ?? ''
    if (rest.length > maxAnswerChars) throw new ApiError(0, 'an event does not end')
    for (const part of parts) if (part !== '') yield part
  }
  // why: an answer that is no watch at all may have no line end, and must not pass for a watch without events
  if (rest.trim() !== '') yield rest
}

function eventOf(line: string, path: string): WatchEvent {
  const { type, object } = parse(line, path) as Partial<WatchEvent>
  if (typeof type !== 'string' || typeof object !== 'object')
    throw new ApiError(0, `${path}: an event without type or object`)
  if (type !== 'ERROR') return { type, object }
  const { code = 0, message = 'an error without a message' } = (object ?? {}) as {
    code?: number
    message?: string
  }
  throw new ApiError(code, message)
}

/** @returns an object @throws ApiError for anything else */
function parse(text: string, path: string): object {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value
  } catch (cause) {
    throw new ApiError(0, `${path}: the answer is not JSON`, { cause })
  }
  throw new ApiError(0, `${path}: the answer is not an object`)
}

function failure(status: number, path: string, text: string): ApiError {
  let message = ''
  try {
    message = (JSON.parse(text) as { message?: string } | null)?.message ?? ''
  } catch {
    message = text.slice(0, 200).trim()
  }
  return new ApiError(status, `${path}: HTTP ${status}${message === '' ? '' : `: ${message}`}`)
}
