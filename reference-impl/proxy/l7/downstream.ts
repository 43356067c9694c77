/** One client connection: reads requests, has each answered by a backend, keeps the order (RFC 9112 §9.3.2). */
import type { Socket } from 'node:net'
import { BodyReader } from '../../wire/http1-body.ts'
import { incomplete, malformed } from '../../wire/http1-fields.ts'
import { RequestHead } from '../../wire/http1-request.ts'
import type { ResponseHead } from '../../wire/http1-response.ts'
import { Attempts } from './attempts.ts'
import { ClientWriter } from './client-writer.ts'
import type { OwnStatus } from './error-response.ts'
import { Lingering } from './lingering.ts'
import { OutgoingRequest } from './outgoing-request.ts'
import { type ClientMark, clientMark } from './request-head.ts'
import type { ProxyState } from './proxy-state.ts'
import { newCookie, requestKey } from './request-key.ts'
import { RequestInput } from './request-input.ts'
import { reset } from './reset.ts'
import type { Route } from './route.ts'
import type { TimeLimit } from './settings.ts'
import { Tunnel } from './tunnel.ts'
import type { Upstream, UpstreamUser } from './upstream.ts'

type Phase = 'head' | 'connecting' | 'body' | 'waiting' | 'tunnel' | 'lingering' | 'closed'

/** Heads are read one at a time and used up at once, so one set of offsets serves all connections. */
const requestHead = new RequestHead()

export class Downstream implements UpstreamUser {
  expectsNoBody = false
  unpacksChunks = false
  readonly #socket: Socket
  readonly #route: Route
  readonly #state: ProxyState
  readonly #onClosed: (connection: Downstream) => void
  readonly #attempts: Attempts
  readonly #input: RequestInput
  readonly #request = new OutgoingRequest()
  readonly #mark: ClientMark
  readonly #writer: ClientWriter
  readonly #body = new BodyReader()
  #phase: Phase = 'head'
  #deadlineMs: number
  #headStartedMs = 0
  #lingering: Lingering | undefined
  #upstream: Upstream | undefined
  #tunnel: Tunnel | undefined
  #wantsUpgrade = false
  /** Hash of what the route's policy looks at in the present request. */
  #key: number | undefined
  /** A cookie that the present request lacked and its answer sets. */
  #newCookie: Buffer | undefined
  #isHttp2 = false
  #closeAfter = false
  /** The client said itself that this is its last request. */
  #isLast = false
  #responded = false
  #clientEnded = false

  constructor(
    socket: Socket,
    route: Route,
    state: ProxyState,
    onClosed: (connection: Downstream) => void,
  ) {
    this.#socket = socket
    this.#route = route
    this.#state = state
    this.#onClosed = onClosed
    this.#input = new RequestInput(state)
    const client = socket.remoteAddress ?? 'unknown'
    this.#attempts = new Attempts(route, state, client)
    this.#mark = clientMark(client, route.authority)
    this.#writer = new ClientWriter(socket, route)
    this.#deadlineMs = state.clock.nowMs + state.settings.clientIdleTimeoutMs
    route.counters.connections += 1
    socket.on('end', () => this.#onEnd())
    socket.on('drain', () => this.#upstream?.unpin())
    socket.on('error', () => undefined)
    socket.on('close', () => this.#onClose())
  }

  /** Takes what the client sent; `bytes` are valid only during the call, what is kept is copied. */
  receive(bytes: Buffer): void {
    switch (this.#phase) {
      case 'head':
        this.#readInput(bytes)
        return
      case 'body':
        this.#forwardBody(bytes)
        return
      case 'tunnel':
        this.#tunnel?.receive(bytes)
        return
      case 'connecting':
      case 'waiting':
        this.#stash(bytes)
        return
      default:
    }
  }

  /** Acts on a time-out that has passed. */
  sweep(nowMs: number): void {
    if (nowMs >= this.#deadlineMs) this.#onDeadline()
  }

  /** No further request is taken; one that is being answered is finished. */
  drain(): void {
    this.#closeAfter = true
    if (this.#phase === 'head' && this.#input.isEmpty) this.#closeGracefully()
  }

  abort(): void {
    reset(this.#socket)
  }

  /** No request is under way, and nothing of one has come. */
  get isIdle(): boolean {
    return this.#phase === 'head' && this.#input.isEmpty
  }

  get #isOverInput(): boolean {
    return this.#state.inputBytes > this.#state.settings.maxInputBytes
  }

  #stash(bytes: Buffer): void {
    this.#input.push(bytes)
    this.#socket.pause()
    if (this.#isOverInput) reset(this.#socket)
  }

  #readInput(chunk: Buffer): void {
    if (this.#input.isEmpty) this.#headStartedMs = this.#state.clock.nowMs
    const bytes = this.#input.append(chunk)
    if (bytes !== undefined) this.#readHead(bytes)
    else if (this.#isOverInput) this.#refuseForWant()
  }

  #readHead(bytes: Buffer): void {
    const to = requestHead.parse(bytes, 0, bytes.length)
    if (to === incomplete) {
      this.#input.keep(bytes)
      if (this.#isOverInput) {
        this.#refuseForWant()
        return
      }
      const { headTimeoutMs, requestLineTimeoutMs } = this.#state.settings
      const limitMs = this.#input.hasLine ? headTimeoutMs : requestLineTimeoutMs
      this.#deadlineMs = this.#headStartedMs + limitMs
      return
    }
    this.#input.take()
    if (to === malformed) {
      const { status, cause } = requestHead.refusal ?? { status: 400, cause: 'malformed request' }
      this.#refuse(status, cause)
    } else if (requestHead.isHttp2) {
      this.#beginOpaque(bytes)
    } else {
      this.#beginExchange(bytes, to)
    }
  }

  #beginExchange(bytes: Buffer, headEnd: number): void {
    const head = requestHead
    const { framing } = head
    this.#body.begin(framing)
    const bodyEnd = this.#body.isDone ? headEnd : this.#body.consume(bytes, headEnd, bytes.length)
    if (this.#body.isFaulty) {
      this.#refuse(400, this.#body.cause)
      return
    }
    this.#readKey(bytes)
    this.#request.compose(bytes, head, this.#mark, bodyEnd)
    if (bodyEnd < bytes.length) this.#stash(bytes.subarray(bodyEnd))
    this.expectsNoBody = head.isHead
    this.unpacksChunks = head.minorVersion === 0
    this.#isLast = head.minorVersion === 0 || framing.close
    this.#closeAfter = this.#isLast || this.#state.draining
    this.#wantsUpgrade = framing.upgrade
    this.#startAttempts(head.isIdempotent && this.#body.isDone)
  }

  #readKey(bytes: Buffer): void {
    this.#key = undefined
    this.#newCookie = undefined
    const { policy } = this.#route
    if (typeof policy === 'string') return
    this.#key = requestKey(policy, bytes, requestHead)
    if (policy.kind !== 'cookie' || this.#key !== undefined) return
    const cookie = newCookie(policy)
    this.#key = cookie.key
    this.#newCookie = cookie.line
  }

  #beginOpaque(bytes: Buffer): void {
    this.#isHttp2 = true
    this.#key = undefined
    this.#request.opaque(bytes)
    this.#body.beginEmpty()
    this.#startAttempts(false)
  }

  #startAttempts(isReplayable: boolean): void {
    this.#responded = false
    this.#route.counters.requests += 1
    this.#attempts.begin(isReplayable, !this.#isHttp2, this.#key)
    this.#attempt()
  }

  #attempt(): void {
    const upstream = this.#attempts.next()
    if (upstream === undefined) {
      const { failureStatus, lastCause } = this.#attempts
      this.#answer(failureStatus, `${lastCause} for ${this.#route.name}`)
      return
    }
    this.#phase = 'connecting'
    this.#allow('connectTimeoutMs')
    this.#upstream = upstream
    upstream.begin(this)
  }

  onConnected(upstream: Upstream): void {
    this.#request.send(upstream.socket)
    if (this.#isHttp2) {
      this.#enterTunnel()
    } else if (this.#body.isDone) {
      this.#phase = 'waiting'
      this.#allow('responseTimeoutMs')
    } else {
      this.#phase = 'body'
      this.#allow('bodyIdleTimeoutMs')
      this.#resumeInput()
    }
  }

  #forwardBody(chunk: Buffer): void {
    const upstream = this.#upstream
    if (upstream === undefined) return
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
    this.#allow('bodyIdleTimeoutMs')
    if (!this.#body.isDone) return
    this.#phase = 'waiting'
    if (!this.#responded) this.#allow('responseTimeoutMs')
    if (!whole) this.#stash(chunk.subarray(to))
  }

  onUpstreamDrain(): void {
    if (this.#phase === 'body') this.#socket.resume()
  }

  onResponseHead(head: ResponseHead, bytes: Buffer, to: number, endsAtClose: boolean): void {
    const upstream = this.#upstream
    if (upstream === undefined) return
    if (head.status < 200) {
      this.#onInterim(head, bytes, upstream)
      return
    }
    const { draining } = this.#state
    this.#responded = true
    this.#request.forget()
    this.#allow('bodyIdleTimeoutMs')
    if (!this.#body.isDone || endsAtClose || draining) this.#closeAfter = true
    const options = {
      close: this.#closeAfter,
      dropCoding: this.unpacksChunks,
      extraLine: this.#newCookie,
    }
    this.#writer.head(head, bytes, to, upstream, options)
  }

  #onInterim(head: ResponseHead, bytes: Buffer, upstream: Upstream): void {
    if (head.status === 101 && !this.#wantsUpgrade) {
      this.#dropUpstream()
      this.#failExchange(502, `unasked 101 from the backend of ${this.#route.name}`)
      return
    }
    // why: an HTTP/1.0 client knows no interim answers (RFC 9110 §15.2)
    if (head.status === 101 || !this.unpacksChunks) this.#writer.interim(head, bytes, upstream)
    if (head.status === 101) this.#enterTunnel()
  }

  onResponseBytes(bytes: Buffer, from: number, to: number): void {
    this.#allow('bodyIdleTimeoutMs')
    if (this.#upstream !== undefined) this.#writer.bytes(bytes, from, to, this.#upstream)
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
    this.#allow('clientIdleTimeoutMs')
    this.#resumeInput()
  }

  /** Takes up what was put aside, on a fresh stack: a client may have pipelined thousands of requests. */
  #resumeInput(): void {
    const input = this.#input.take()
    if (input === undefined) {
      if (this.#socket.isPaused()) this.#socket.resume()
      return
    }
    process.nextTick(() => {
      this.#socket.resume()
      this.receive(input)
    })
  }

  onUpstreamFailed(upstream: Upstream, cause: string): void {
    this.#upstream = undefined
    if (this.#responded) {
      this.#failExchange(502, cause)
    } else if (this.#attempts.mayRepeatAfter(upstream, cause)) {
      this.#attempt()
    } else {
      this.#failExchange(502, `${this.#attempts.lastCause} for ${this.#route.name}`)
    }
  }

  /** Tells the client of a failure if it can still be told; a cut connection says it otherwise. */
  #failExchange(status: OwnStatus, cause: string): void {
    if (this.#responded) {
      this.#route.counters.cut += 1
      reset(this.#socket)
    } else {
      this.#answer(status, cause)
    }
  }

  #answer(status: OwnStatus, cause: string): void {
    if (this.#isHttp2) {
      reset(this.#socket)
      return
    }
    this.#request.forget()
    const close = this.#closeAfter || !this.#body.isDone || this.#state.draining
    this.#closeAfter = close
    this.#writer.error(status, cause, { close, withBody: !this.expectsNoBody })
    this.#nextRequest()
  }

  #refuse(status: OwnStatus, cause: string): void {
    this.#route.counters.malformed += 1
    this.#writer.error(status, cause, { close: true, withBody: true })
    this.#closeGracefully()
  }

  #refuseForWant(): void {
    this.#refuse(503, 'clients have sent more unfinished requests than there is room for')
  }

  #enterTunnel(): void {
    const upstream = this.#upstream
    if (upstream === undefined) return
    this.#phase = 'tunnel'
    this.#request.forget()
    this.#deadlineMs = Infinity
    this.#tunnel = new Tunnel(this.#socket, upstream)
    upstream.beginTunnel(this.#tunnel)
    this.#resumeInput()
  }

  #dropUpstream(): void {
    const upstream = this.#upstream
    this.#upstream = undefined
    upstream?.reset()
  }

  #closeGracefully(): void {
    this.#phase = 'lingering'
    this.#input.take()
    // why: nothing can come any more that a reset would answer
    if (this.#isLast && this.#body.isDone && this.#socket.writableLength === 0) {
      this.#socket.destroy()
      return
    }
    this.#lingering ??= new Lingering(this.#socket, this.#state)
    this.#deadlineMs = this.#lingering.deadlineMs
  }

  #onEnd(): void {
    this.#clientEnded = true
    switch (this.#phase) {
      case 'tunnel':
        this.#tunnel?.onClientEnd()
        return
      case 'head':
        this.#closeGracefully()
        return
      case 'connecting':
      case 'body':
        if (!this.#body.isDone) this.#socket.destroy()
        return
      default:
    }
  }

  #onClose(): void {
    this.#phase = 'closed'
    this.#input.take()
    this.#deadlineMs = Infinity
    this.#onClosed(this)
    const upstream = this.#upstream
    this.#upstream = undefined
    if (this.#tunnel === undefined) upstream?.reset()
    else this.#tunnel.onClientClose()
  }

  /** What comes next has to happen within the time that the settings give it. */
  #allow(limit: TimeLimit): void {
    const { clock, settings } = this.#state
    this.#deadlineMs = clock.nowMs + settings[limit]
  }

  #onDeadline(): void {
    switch (this.#phase) {
      case 'head':
        if (this.#input.isEmpty) this.#closeGracefully()
        else if (this.#input.hasLine) this.#refuse(408, 'the header section came too slowly')
        else this.#refuse(400, 'no HTTP request line came in time')
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
        this.#failExchange(504, `the backend did not answer in time for ${this.#route.name}`)
        return
      case 'lingering':
        this.#lingering?.end()
        this.#deadlineMs = this.#lingering?.deadlineMs ?? Infinity
        return
      default:
    }
  }
}
