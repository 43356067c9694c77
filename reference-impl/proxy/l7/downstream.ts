/** One client connection: reads requests, has each answered by a backend, keeps the order (RFC 9112 §9.3.2). */
import type { Socket } from 'node:net'
import { BodyReader } from '../../wire/http1-body.ts'
import { incomplete, malformed } from '../../wire/http1-fields.ts'
import { RequestHead } from '../../wire/http1-request.ts'
import type { ResponseHead } from '../../wire/http1-response.ts'
import type { CoarseClock } from './clock.ts'
import type { Endpoint } from './endpoint.ts'
import { errorResponse, type OwnStatus } from './error-response.ts'
import { type ClientMark, clientMark, forwardedHead } from './request-head.ts'
import { stripInPlace, withClose } from './response-head.ts'
import type { Route } from './route.ts'
import type { HttpSettings } from './settings.ts'
import { Upstream, type UpstreamUser } from './upstream.ts'

/** What all connections of one proxy share. */
export interface ProxyState {
  readonly clock: CoarseClock
  readonly settings: HttpSettings
  readonly connections: Set<Downstream>
  draining: boolean
}

type Phase = 'head' | 'connecting' | 'body' | 'waiting' | 'tunnel' | 'lingering' | 'closed'

/** Request bodies up to this size travel in the same write as the head. */
const inlineBodyBytes = 8_192
/** Beyond this a head that is still incomplete is searched for its end before it is parsed again. */
const eagerParseBytes = 4_096
/** Requests that must not be repeated use an idle connection only while the backend has surely not left it. */
const freshIdleMs = 1_000
/** How long the rest of a refused request is read and thrown away, so that the answer is not lost to a reset. */
const lingerMs = 2_000
const noEndpoints: readonly Endpoint[] = []
const endOfHead = Buffer.from('\r\n\r\n')

/** Heads are read one at a time and used up at once, so one set of offsets serves all connections. */
const requestHead = new RequestHead()

export class Downstream implements UpstreamUser {
  expectsNoBody = false
  unpacksChunks = false
  readonly #socket: Socket
  readonly #route: Route
  readonly #state: ProxyState
  readonly #client: string
  readonly #mark: ClientMark
  readonly #body = new BodyReader()
  #phase: Phase = 'head'
  #deadlineMs: number
  /** Bytes received but not used yet: a head that is not complete, or the requests after this one. */
  #input: Buffer | undefined
  #headStartedMs = 0
  #upstream: Upstream | undefined
  /** The forwarded head with what came of the body: kept until an answer arrives, for another attempt. */
  #request: Buffer | undefined
  #firstBody: Buffer | undefined
  #replayable = false
  #wantsUpgrade = false
  #isHttp2 = false
  #attempts = 0
  #tried: readonly Endpoint[] = noEndpoints
  #closeAfter = false
  #responded = false
  #clientEnded = false
  #backendEnded = false

  constructor(socket: Socket, route: Route, state: ProxyState) {
    this.#socket = socket
    this.#route = route
    this.#state = state
    this.#client = socket.remoteAddress ?? 'unknown'
    this.#mark = clientMark(this.#client, route.authority)
    this.#deadlineMs = state.clock.nowMs + state.settings.clientIdleTimeoutMs
    route.counters.connections += 1
    socket.on('end', () => this.#onEnd())
    socket.on('drain', () => this.#upstream?.unpin())
    socket.on('error', () => undefined)
    socket.on('close', () => this.#onClose())
  }

  /** Takes what the client sent; `bytes` are valid only during the call, what is kept is copied. */
  receive(bytes: Buffer): void {
    this.#onData(bytes)
  }

  /** Acts on a time-out that has passed. */
  sweep(nowMs: number): void {
    if (nowMs >= this.#deadlineMs) this.#onDeadline()
  }

  /** No further request is taken; one that is being answered is finished. */
  drain(): void {
    this.#closeAfter = true
    if (this.#phase === 'head' && this.#input === undefined) this.#closeGracefully()
  }

  abort(): void {
    this.#socket.resetAndDestroy()
  }

  #onData(chunk: Buffer): void {
    switch (this.#phase) {
      case 'head':
        this.#readInput(chunk)
        return
      case 'body':
        this.#forwardBody(chunk)
        return
      case 'tunnel':
        this.#intoTunnel(chunk)
        return
      case 'connecting':
      case 'waiting':
        this.#stash(chunk)
        return
      case 'lingering':
      case 'closed':
    }
  }

  #stash(bytes: Buffer): void {
    this.#input =
      this.#input === undefined ? Buffer.from(bytes) : Buffer.concat([this.#input, bytes])
    this.#socket.pause()
  }

  #readInput(chunk: Buffer): void {
    const pending = this.#input
    if (pending === undefined) {
      this.#headStartedMs = this.#state.clock.nowMs
      this.#readHead(chunk)
      return
    }
    const bytes = Buffer.concat([pending, chunk])
    this.#input = bytes
    const searchFrom = Math.max(0, pending.length - 3)
    const waits = bytes.length > eagerParseBytes && bytes.length <= 65_536
    if (!waits || bytes.indexOf(endOfHead, searchFrom) !== -1) this.#readHead(bytes)
  }

  #readHead(bytes: Buffer): void {
    const to = requestHead.parse(bytes, 0, bytes.length)
    if (to === malformed) {
      const { status, cause } = requestHead.refusal ?? { status: 400, cause: 'malformed request' }
      this.#refuse(status, cause)
    } else if (to === incomplete) {
      if (this.#input !== bytes) this.#input = Buffer.from(bytes)
      const { settings } = this.#state
      const lineDone = bytes.includes(10, requestHead.start)
      this.#deadlineMs =
        this.#headStartedMs + (lineDone ? settings.headTimeoutMs : settings.requestLineTimeoutMs)
    } else if (requestHead.isHttp2) {
      this.#beginOpaque(bytes)
    } else {
      this.#beginExchange(bytes, to)
    }
  }

  #beginExchange(bytes: Buffer, headEnd: number): void {
    const head = requestHead
    const { framing } = head
    this.#input = undefined
    this.#beginBody()
    const bodyEnd = this.#body.isDone ? headEnd : this.#body.consume(bytes, headEnd, bytes.length)
    if (this.#body.isFaulty) {
      this.#refuse(400, this.#body.cause)
      return
    }
    const inlined = bodyEnd - headEnd <= inlineBodyBytes
    this.#request = forwardedHead(bytes, head, this.#mark, headEnd, inlined ? bodyEnd : headEnd)
    this.#firstBody = inlined ? undefined : Buffer.from(bytes.subarray(headEnd, bodyEnd))
    if (bodyEnd < bytes.length) this.#stash(bytes.subarray(bodyEnd))
    this.expectsNoBody = head.isHead
    this.unpacksChunks = head.minorVersion === 0
    this.#closeAfter = head.minorVersion === 0 || framing.close || this.#state.draining
    this.#wantsUpgrade = framing.upgrade
    this.#replayable = head.isIdempotent && this.#body.isDone
    this.#startAttempts()
  }

  #beginBody(): void {
    const { framing } = requestHead
    if (framing.chunked) this.#body.beginChunked()
    else if (framing.contentLength > 0) this.#body.beginLength(framing.contentLength)
    else this.#body.beginEmpty()
  }

  #beginOpaque(bytes: Buffer): void {
    this.#input = undefined
    this.#isHttp2 = true
    this.#request = Buffer.from(bytes)
    this.#replayable = false
    this.#body.beginEmpty()
    this.#startAttempts()
  }

  #startAttempts(): void {
    this.#phase = 'connecting'
    this.#responded = false
    this.#attempts = 0
    this.#tried = noEndpoints
    this.#route.counters.requests += 1
    this.#attempt(true, 'no ready endpoint')
  }

  #attempt(mayReuse: boolean, lastCause: string): void {
    const { clock, settings } = this.#state
    const left = this.#attempts < settings.maxAttempts
    const endpoint = left ? this.#route.pick(clock, this.#tried, this.#client) : undefined
    if (endpoint === undefined) {
      this.#answer(this.#attempts === 0 ? 503 : 502, `${lastCause} for ${this.#route.name}`)
      return
    }
    this.#attempts += 1
    const maxIdleMs = this.#replayable ? settings.poolIdleTimeoutMs : freshIdleMs
    const idle = mayReuse && !this.#isHttp2 ? endpoint.takeIdle(clock, maxIdleMs) : undefined
    const upstream = idle ?? new Upstream(endpoint, clock, settings)
    this.#phase = 'connecting'
    this.#deadlineMs = clock.nowMs + settings.connectTimeoutMs
    this.#upstream = upstream
    upstream.begin(this)
  }

  onConnected(upstream: Upstream): void {
    const { clock, settings } = this.#state
    const { socket } = upstream
    if (this.#firstBody === undefined) {
      socket.write(this.#request as Buffer)
    } else {
      socket.cork()
      socket.write(this.#request as Buffer)
      socket.write(this.#firstBody)
      socket.uncork()
    }
    if (this.#isHttp2) {
      upstream.beginTunnel()
      this.#enterTunnel()
    } else if (this.#body.isDone) {
      this.#phase = 'waiting'
      this.#deadlineMs = clock.nowMs + settings.responseTimeoutMs
    } else {
      this.#phase = 'body'
      this.#deadlineMs = clock.nowMs + settings.bodyIdleTimeoutMs
      this.#resumeInput()
    }
  }

  #forwardBody(chunk: Buffer): void {
    const upstream = this.#upstream
    if (upstream === undefined) return
    const { clock, settings } = this.#state
    const to = this.#body.consume(chunk, 0, chunk.length)
    if (this.#body.isFaulty) {
      this.#dropUpstream()
      this.#failExchange(400, this.#body.cause)
      return
    }
    const { socket } = upstream
    const whole = to === chunk.length
    if (to > 0) {
      socket.write(Buffer.from(whole ? chunk : chunk.subarray(0, to)))
      if (socket.writableLength > 0) this.#socket.pause()
    }
    this.#deadlineMs = clock.nowMs + settings.bodyIdleTimeoutMs
    if (!this.#body.isDone) return
    this.#phase = 'waiting'
    if (!this.#responded) this.#deadlineMs = clock.nowMs + settings.responseTimeoutMs
    if (!whole) this.#stash(chunk.subarray(to))
  }

  onUpstreamDrain(): void {
    if (this.#phase === 'body' || this.#phase === 'tunnel') this.#socket.resume()
  }

  onResponseHead(head: ResponseHead, bytes: Buffer, to: number, endsAtClose: boolean): void {
    if (head.status < 200) {
      this.#onInterim(head, bytes)
      return
    }
    const { clock, settings } = this.#state
    this.#responded = true
    this.#request = undefined
    this.#firstBody = undefined
    this.#countStatus(head.status)
    this.#deadlineMs = clock.nowMs + settings.bodyIdleTimeoutMs
    if (!this.#body.isDone || endsAtClose || this.#state.draining) this.#closeAfter = true
    const from = stripInPlace(bytes, head, this.unpacksChunks)
    if (!this.#closeAfter) {
      this.#write(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to))
      return
    }
    this.#socket.cork()
    this.#socket.write(withClose(bytes, from, head.end))
    if (to > head.end) this.#socket.write(bytes.subarray(head.end, to))
    this.#socket.uncork()
    this.#pin()
  }

  #onInterim(head: ResponseHead, bytes: Buffer): void {
    if (head.status === 101) {
      if (!this.#wantsUpgrade) {
        this.#dropUpstream()
        this.#failExchange(502, `unasked 101 from the backend of ${this.#route.name}`)
        return
      }
      this.#countStatus(101)
      this.#write(bytes.subarray(head.start, head.end))
      this.#enterTunnel()
    } else if (!this.unpacksChunks) {
      const from = stripInPlace(bytes, head, false)
      this.#write(bytes.subarray(from, head.end))
    }
  }

  onResponseBytes(bytes: Buffer, from: number, to: number): void {
    this.#deadlineMs = this.#state.clock.nowMs + this.#state.settings.bodyIdleTimeoutMs
    this.#write(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to))
  }

  #write(bytes: Buffer): void {
    this.#socket.write(bytes)
    this.#pin()
  }

  /** What the kernel did not take at once is still in the backend's read buffer. */
  #pin(): void {
    if (this.#socket.writableLength > 0 && this.#upstream !== undefined)
      this.#upstream.pinned = true
  }

  onResponseEnd(): void {
    const upstream = this.#upstream
    this.#upstream = undefined
    if (!this.#body.isDone) upstream?.reset()
    else upstream?.release()
    this.#nextRequest()
  }

  #nextRequest(): void {
    if (this.#closeAfter || this.#clientEnded || !this.#body.isDone || this.#state.draining) {
      this.#closeGracefully()
      return
    }
    this.#phase = 'head'
    this.#deadlineMs = this.#state.clock.nowMs + this.#state.settings.clientIdleTimeoutMs
    this.#resumeInput()
  }

  /** Takes up what was put aside, on a fresh stack: a client may have pipelined thousands of requests. */
  #resumeInput(): void {
    const input = this.#input
    if (input === undefined) {
      if (this.#socket.isPaused()) this.#socket.resume()
      return
    }
    this.#input = undefined
    process.nextTick(() => {
      this.#socket.resume()
      this.#onData(input)
    })
  }

  onUpstreamFailed(upstream: Upstream, cause: string): void {
    this.#upstream = undefined
    const { counters } = this.#route
    if (this.#phase === 'tunnel') {
      if (this.#backendEnded) this.#socket.destroySoon()
      else this.#socket.resetAndDestroy()
    } else if (this.#responded) {
      counters.cut += 1
      this.#socket.resetAndDestroy()
    } else if (!upstream.connected) {
      counters.connectFailures += 1
      upstream.endpoint.ejectedUntilMs = this.#state.clock.nowMs + this.#state.settings.ejectionMs
      this.#tried = [...this.#tried, upstream.endpoint]
      this.#attempt(true, `no connection to ${describe(upstream.endpoint)} (${cause})`)
    } else if (this.#replayable && !upstream.answered) {
      counters.retries += 1
      // why: the backend may merely have left an idle connection; one that broke a fresh one is avoided
      if (!upstream.reused) this.#tried = [...this.#tried, upstream.endpoint]
      this.#attempt(false, `${describe(upstream.endpoint)} did not answer (${cause})`)
    } else {
      this.#failExchange(502, `${describe(upstream.endpoint)}, ${this.#route.name}: ${cause}`)
    }
  }

  /** Tells the client of a failure if it can still be told; a cut connection says it otherwise. */
  #failExchange(status: OwnStatus, cause: string): void {
    if (this.#responded) {
      this.#route.counters.cut += 1
      this.#socket.resetAndDestroy()
    } else {
      this.#answer(status, cause)
    }
  }

  #answer(status: OwnStatus, cause: string): void {
    if (this.#isHttp2) {
      this.#socket.resetAndDestroy()
      return
    }
    this.#request = undefined
    this.#firstBody = undefined
    const close = this.#closeAfter || !this.#body.isDone || this.#state.draining
    this.#closeAfter = close
    this.#countStatus(status)
    this.#socket.write(errorResponse(status, cause, { close, withBody: !this.expectsNoBody }))
    this.#nextRequest()
  }

  #refuse(status: OwnStatus, cause: string): void {
    this.#route.counters.malformed += 1
    this.#input = undefined
    this.#countStatus(status)
    this.#socket.write(errorResponse(status, cause, { close: true, withBody: true }))
    this.#closeGracefully()
  }

  #countStatus(status: number): void {
    const { responses } = this.#route.counters
    const group = Math.min(5, Math.floor(status / 100)) as 1 | 2 | 3 | 4 | 5
    responses[group] += 1
  }

  #enterTunnel(): void {
    this.#phase = 'tunnel'
    this.#request = undefined
    this.#deadlineMs = Infinity
    this.#socket.setKeepAlive(true, 30_000)
    this.#resumeInput()
  }

  #intoTunnel(chunk: Buffer): void {
    const socket = this.#upstream?.socket
    if (socket === undefined) return
    socket.write(Buffer.from(chunk))
    if (socket.writableLength > 0) this.#socket.pause()
  }

  onTunnelBytes(bytes: Buffer): void {
    this.#write(bytes)
  }

  onTunnelEnd(): void {
    this.#backendEnded = true
    this.#socket.end()
  }

  #dropUpstream(): void {
    const upstream = this.#upstream
    this.#upstream = undefined
    upstream?.reset()
  }

  #closeGracefully(): void {
    this.#phase = 'lingering'
    this.#deadlineMs = this.#state.clock.nowMs + lingerMs
    this.#input = undefined
    this.#socket.end()
    if (this.#socket.isPaused()) this.#socket.resume()
  }

  #onEnd(): void {
    this.#clientEnded = true
    switch (this.#phase) {
      case 'tunnel':
        this.#upstream?.socket.end()
        return
      case 'head':
        this.#closeGracefully()
        return
      case 'connecting':
      case 'body':
        if (!this.#body.isDone) this.#socket.destroy()
        return
      case 'waiting':
      case 'lingering':
      case 'closed':
    }
  }

  #onClose(): void {
    this.#phase = 'closed'
    this.#deadlineMs = Infinity
    this.#state.connections.delete(this)
    const upstream = this.#upstream
    this.#upstream = undefined
    if (this.#backendEnded) upstream?.destroy()
    else upstream?.reset()
  }

  #onDeadline(): void {
    const where = `for ${this.#route.name}`
    switch (this.#phase) {
      case 'head':
        if (this.#input === undefined) this.#closeGracefully()
        else if (this.#input.includes(10))
          this.#refuse(408, 'the header section was not completed in time')
        else this.#refuse(400, 'no HTTP request line was completed in time')
        return
      case 'connecting':
        this.#upstream?.expire()
        return
      case 'body':
        this.#dropUpstream()
        this.#closeAfter = true
        this.#failExchange(408, 'the request body stood still')
        return
      case 'waiting':
        this.#dropUpstream()
        this.#failExchange(504, `the backend did not answer in time ${where}`)
        return
      case 'lingering':
        this.#socket.destroy()
        return
      case 'tunnel':
      case 'closed':
    }
  }
}

function describe(endpoint: Endpoint): string {
  return `${endpoint.address}:${endpoint.port}`
}
