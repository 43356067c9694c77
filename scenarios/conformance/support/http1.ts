import type {
  CheckContext,
  NotAnswered,
  Position,
  Stream,
  StreamPlayed,
} from '../../../harness/api.ts'
import { type Http1Response, parseResponse, valuesOf } from './http1-message.ts'

/** No complete response came. */
export interface NoResponse {
  readonly kind: 'none'
  readonly why: NotAnswered['kind']
  /** What arrived, with the head of a response that was cut off. */
  readonly received: Buffer
  /** The status of a response whose head is complete, and whose body is not. */
  readonly status?: number
  readonly detail: string
}

export type Answer = Http1Response | NoResponse

/** How long one answer may take, unless told. */
const usualMs = 5_000

/** One client connection that speaks HTTP/1.1 in raw bytes. Disposing closes it. */
export class Http1Connection implements AsyncDisposable {
  readonly #context: CheckContext
  readonly #stream: Stream
  #held: Buffer = Buffer.alloc(0)
  #state: StreamPlayed['state'] = 'open'

  constructor(context: CheckContext, stream: Stream) {
    this.#context = context
    this.#stream = stream
  }

  /** Address of the client as it sees itself; undefined when the connection was not made. */
  get localAddress(): string | undefined {
    const { opened } = this.#stream
    return opened.kind === 'opened' ? opened.local.address : undefined
  }

  /** Writes bytes; text is taken as Latin-1. */
  async send(
    bytes: string | Uint8Array,
    segments: readonly number[] = [],
    gapMs = 1,
  ): Promise<void> {
    if (this.#stream.opened.kind !== 'opened') return
    const base64 = base64Of(bytes)
    await this.#play([{ do: 'send', base64, segments, gapMs, withinMs: 600_000 }])
  }

  /** Writes so many bytes of the pattern, as fast as they are taken. */
  async sendPattern(bytes: number): Promise<void> {
    if (this.#stream.opened.kind !== 'opened') return
    await this.#play([{ do: 'send-pattern', bytes, withinMs: 120_000 }])
  }

  /** Sends a request and reads its final response. */
  async exchange(
    bytes: string | Uint8Array,
    method: string = methodOf(bytes),
    withinMs: number = usualMs,
  ): Promise<Answer> {
    await this.send(bytes)
    return this.response(method, withinMs)
  }

  /** Reads one final response. */
  async response(method = 'GET', withinMs: number = usualMs): Promise<Answer> {
    const { opened } = this.#stream
    if (opened.kind !== 'opened')
      return { kind: 'none', why: opened.kind, received: Buffer.alloc(0), detail: opened.detail }
    const deadline = performance.now() + withinMs
    for (;;) {
      const parsed = parseResponse(this.#held, method, this.#state === 'end')
      if (parsed.kind === 'complete') {
        this.#held = parsed.rest
        return parsed.response
      }
      if (parsed.kind === 'malformed') return this.#none('malformed', parsed.why)
      const { wants, status } = parsed
      const leftMs = Math.ceil(deadline - performance.now())
      if (this.#state !== 'open') return this.#none(ends[this.#state], 'no whole response', status)
      if (leftMs <= 0) return this.#none('timed-out', `no answer in ${withinMs} ms`, status)
      await this.#play([{ do: 'read', until: wants, withinMs: leftMs }])
    }
  }

  /** Reads until a text has come, the peer ends or the time is over; what arrived is kept for `response`. */
  async until(text: string, withinMs: number = usualMs): Promise<StreamPlayed | undefined> {
    if (this.#stream.opened.kind !== 'opened') return undefined
    return this.#play([{ do: 'read', until: { text }, withinMs }])
  }

  /** Reads on until so many bytes are held, the peer ends or the time is over. */
  async hold(bytes: number, withinMs: number = usualMs): Promise<Buffer> {
    const missing = bytes - this.#held.length
    if (missing > 0 && this.#stream.opened.kind === 'opened' && this.#state === 'open')
      await this.#play([{ do: 'read', until: { bytes: missing }, withinMs }])
    return this.#held
  }

  /** Takes bytes from the front of what arrived. */
  take(bytes: number): Buffer {
    const taken = this.#held.subarray(0, bytes)
    this.#held = this.#held.subarray(bytes)
    return taken
  }

  /** Everything that arrived and was not read yet. */
  get held(): Buffer {
    return this.#held
  }

  get state(): StreamPlayed['state'] {
    return this.#state
  }

  /** Reads on, and throws away, until the peer ends: how the connection stands then. */
  async ending(withinMs: number = usualMs): Promise<StreamPlayed['state'] | 'not opened'> {
    if (this.#stream.opened.kind !== 'opened') return 'not opened'
    if (this.#state === 'open') await this.#play([{ do: 'read', until: 'end', withinMs }])
    return this.#state
  }

  /** Stays silent for so long. */
  async idle(ms: number): Promise<void> {
    if (this.#stream.opened.kind === 'opened') await this.#play([{ do: 'pause', ms }])
  }

  /** Half-closes. */
  async finish(): Promise<void> {
    if (this.#stream.opened.kind === 'opened' && this.#state === 'open')
      await this.#play([{ do: 'end' }])
  }

  /** Plays steps; what arrives is kept for `response`. */
  async #play(steps: Parameters<Stream['play']>[0]): Promise<StreamPlayed> {
    const played = await this.#stream.play(steps, this.#context)
    this.#held = Buffer.concat([this.#held, Buffer.from(played.base64, 'base64')])
    this.#state = played.state
    return played
  }

  #none(why: NotAnswered['kind'], detail: string, status?: number): NoResponse {
    return {
      kind: 'none',
      why,
      received: this.#held,
      detail,
      ...(status !== undefined && { status }),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stream[Symbol.asyncDispose]()
  }
}

const ends = { end: 'closed', reset: 'reset', 'timed-out': 'timed-out' } as const

/** Opens a connection; one that is refused is told by the first answer. */
export async function openHttp(
  context: CheckContext,
  at: Position,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<Http1Connection> {
  const probe = await context.probe(at)
  const stream = await probe.stream({ host, port, timeoutMs: usualMs }, context)
  const connection = new Http1Connection(context, stream)
  context.keep(connection)
  return connection
}

/** One request on a connection of its own. */
export async function askHttp(
  context: CheckContext,
  at: Position,
  place: { readonly host: string; readonly port: number },
  bytes: string | Uint8Array,
  withinMs: number = usualMs,
): Promise<Answer> {
  const connection = await openHttp(context, at, place)
  try {
    return await connection.exchange(bytes, methodOf(bytes), withinMs)
  } finally {
    await connection[Symbol.asyncDispose]()
  }
}

/** The bytes of a request: a head of these lines, then the body as it is. */
export function requestBytes(lines: readonly string[], body = ''): string {
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}

/** A GET of HTTP/1.1 on a connection that stays. */
export function getRequest(path: string, ...fields: readonly string[]): string {
  return requestBytes([`GET ${path} HTTP/1.1`, 'Host: web.example', ...fields])
}

/** A POST of HTTP/1.1 with a length. */
export function postRequest(path: string, body: string, ...fields: readonly string[]): string {
  const length = `Content-Length: ${Buffer.byteLength(body, 'latin1')}`
  return requestBytes([`POST ${path} HTTP/1.1`, 'Host: web.example', length, ...fields], body)
}

/** In one line, for a report: `200`, `502 from a proxy`, `reset`. */
export function describeAnswer(answer: Answer): string {
  if (answer.kind === 'response') {
    const isProxys = valuesOf(answer.fields, 'x-pod').length === 0
    return isProxys ? `${answer.status} not from a backend` : String(answer.status)
  }
  return answer.status === undefined
    ? `${answer.why} (${answer.detail})`
    : `${answer.why} inside a ${answer.status} (${answer.detail})`
}

export function statusOf(answer: Answer): number | string {
  return answer.kind === 'response' ? answer.status : answer.why
}

function base64Of(bytes: string | Uint8Array): string {
  return Buffer.from(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes).toString(
    'base64',
  )
}

function methodOf(bytes: string | Uint8Array): string {
  const text = typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('latin1', 0, 20)
  return text.split(' ', 1)[0] ?? 'GET'
}
