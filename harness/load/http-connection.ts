import { createHash } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import type { LoadTarget } from '../model/load.ts'

type HttpTarget = Extract<LoadTarget, { kind: 'http' | 'http-connect' }>

/** What came of one request. */
export type Outcome =
  | { readonly kind: 'answered' }
  | { readonly kind: 'foreign'; readonly detail: string }
  | { readonly kind: 'failed'; readonly why: string }

/** Checks answers: the first by its hash, every one after it byte by byte against the first. */
export interface AnswerChecker {
  check(status: number, body: Buffer): Outcome
}

const answered: Outcome = { kind: 'answered' }

export function answerChecker({ expect }: HttpTarget): AnswerChecker {
  let known: Buffer | undefined
  return {
    check: (status, body) => {
      // why: a proxy that gives up says so itself (5xx); anything else that is not the page is a stranger's
      if (status !== expect.status && status >= 500)
        return { kind: 'failed', why: `status ${status}` }
      if (status !== expect.status) return { kind: 'foreign', detail: `status ${status}` }
      if (known !== undefined && known.equals(body)) return answered
      const hash = createHash('sha256').update(body).digest('hex')
      if (hash !== expect.bodySha256)
        return { kind: 'foreign', detail: `a body of ${body.length} bytes that is not the page` }
      known = Buffer.from(body)
      return answered
    },
  }
}

export function requestBytes(target: HttpTarget, close: boolean): Buffer {
  return Buffer.from(
    `GET ${target.path} HTTP/1.1\r\nHost: ${target.authority}\r\nUser-Agent: meshmark-load\r\n${close ? 'Connection: close\r\n' : ''}\r\n`,
  )
}

/** What an operating system error is called in a result. */
export function failureName(error: NodeJS.ErrnoException): string {
  const names: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'refused',
    ECONNRESET: 'reset',
    EPIPE: 'reset',
    ETIMEDOUT: 'timed-out',
    EHOSTUNREACH: 'unreachable',
    ENETUNREACH: 'unreachable',
    EADDRNOTAVAIL: 'no local port left',
    EMFILE: 'no file descriptor left',
  }
  return names[error.code ?? ''] ?? error.message
}

/** One kept-alive connection with one request at a time. Made anew when it breaks. */
export interface Connection {
  readonly isIdle: boolean
  send(done: (outcome: Outcome) => void): void
  close(): void
}

const headEnd = Buffer.from('\r\n\r\n')

/** Opens connections to a target; the raw bytes are parsed no further than to find the end of each answer. */
export function connection(
  target: HttpTarget,
  checker: AnswerChecker,
  closing = false,
): Connection {
  const request = requestBytes(target, closing)
  let socket: Socket | undefined
  let pending: ((outcome: Outcome) => void) | undefined
  let bytes: Buffer = Buffer.alloc(0)

  const settle = (outcome: Outcome): void => {
    const done = pending
    pending = undefined
    done?.(outcome)
  }
  const drop = (): void => {
    socket?.removeAllListeners()
    socket?.on('error', () => undefined)
    socket?.destroy()
    socket = undefined
    bytes = Buffer.alloc(0)
  }
  const fail = (why: string): void => {
    drop()
    settle({ kind: 'failed', why })
  }
  const onData = (chunk: Buffer): void => {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
    const answer = parseAnswer(bytes)
    if (answer === undefined) return
    if (answer === 'malformed') {
      fail('malformed')
      return
    }
    bytes = bytes.subarray(answer.end)
    const outcome = checker.check(answer.status, answer.body)
    if (closing || answer.closes) drop()
    settle(outcome)
  }
  const open = (): Socket => {
    const made = connect({ host: target.host, port: target.port, noDelay: true })
    made.on('data', onData)
    made.on('error', (error) => {
      fail(failureName(error))
    })
    made.on('close', () => {
      if (pending === undefined) drop()
      else fail('closed')
    })
    return made
  }
  return {
    get isIdle() {
      return pending === undefined
    },
    send: (done) => {
      pending = done
      socket ??= open()
      socket.write(request)
    },
    close: drop,
  }
}

interface Answer {
  readonly status: number
  readonly body: Buffer
  readonly end: number
  readonly closes: boolean
}

/** Finds one complete answer at the start of the bytes; undefined when more have to come. */
export function parseAnswer(bytes: Buffer): Answer | 'malformed' | undefined {
  const end = bytes.indexOf(headEnd)
  if (end === -1) return bytes.length > 65_536 ? 'malformed' : undefined
  const head = bytes.toString('latin1', 0, end)
  const status = Number(head.slice(9, 12))
  if (!head.startsWith('HTTP/1.') || !(status >= 200 && status <= 599)) return 'malformed'
  const closes = /\r\nconnection:[ \t]*close/i.test(head)
  const start = end + 4
  const length = /\r\ncontent-length:[ \t]*(\d+)/i.exec(head)?.[1]
  if (length !== undefined) {
    const stop = start + Number(length)
    return bytes.length < stop
      ? undefined
      : { status, body: bytes.subarray(start, stop), end: stop, closes }
  }
  return /\r\ntransfer-encoding:[ \t]*chunked/i.test(head)
    ? parseChunks(bytes, start, status, closes)
    : 'malformed'
}

function parseChunks(
  bytes: Buffer,
  start: number,
  status: number,
  closes: boolean,
): Answer | 'malformed' | undefined {
  const parts: Buffer[] = []
  let at = start
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd === -1) return undefined
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    if (!(size >= 0)) return 'malformed'
    const next = lineEnd + 2 + size + 2
    if (bytes.length < next) return undefined
    if (size === 0) return { status, body: Buffer.concat(parts), end: next, closes }
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = next
  }
}
