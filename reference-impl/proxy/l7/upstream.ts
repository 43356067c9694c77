/** One connection to a backend: sends a request, reads the response head, passes the response body on. */
import { connect, type Socket } from 'node:net'
import { fieldKind } from '../../wire/http1-fields.ts'
import { BodyReader } from '../../wire/http1-body.ts'
import { incomplete, malformed } from '../../wire/http1-fields.ts'
import { ResponseHead } from '../../wire/http1-response.ts'
import type { CoarseClock } from './clock.ts'
import type { Endpoint } from './endpoint.ts'
import { reset } from './reset.ts'
import type { HttpSettings } from './settings.ts'
import type { Tunnel } from './tunnel.ts'

/** What an exchange hears from its connection to the backend. */
export interface UpstreamUser {
  /** The request may be written now. */
  onConnected(upstream: Upstream): void
  /** A head, and body bytes up to `to`; `head` is valid only during the call. `endsAtClose`: the body has no length. */
  onResponseHead(head: ResponseHead, bytes: Buffer, to: number, endsAtClose: boolean): void
  onResponseBytes(bytes: Buffer, from: number, to: number): void
  onResponseEnd(): void
  /** No response will come any more, or its rest is missing. */
  onUpstreamFailed(upstream: Upstream, cause: string): void
  onUpstreamDrain(): void
  /** Whether the request was HEAD: its response has no body (RFC 9110 §9.3.2). */
  readonly expectsNoBody: boolean
  /** The client reads HTTP/1.0 only: chunks have to be unpacked. */
  readonly unpacksChunks: boolean
}

/** Heads are read one at a time and used up at once, so one set of offsets serves all connections. */
const responseHead = new ResponseHead()

/** One read of this size is one write to the client. */
const readBufferBytes = 65_536

export class Upstream {
  readonly endpoint: Endpoint
  readonly socket: Socket
  connected = false
  /** A response byte of the current exchange has arrived. */
  answered = false
  /** The client's socket still holds bytes of our read buffer: nothing may be read until they are out. */
  pinned = false
  /** This connection has served an exchange before. */
  reused = false
  idleSinceMs = 0
  expiresAtMs = 0
  readonly startedAtMs: number
  #user: UpstreamUser | undefined
  #pending: Buffer | undefined
  #inBody = false
  #tunnel: Tunnel | undefined
  #keepAlive = false
  #keepAliveMs: number
  #failed = false
  /** The present exchange is counted at the endpoint. */
  #counted = false
  readonly #body = new BodyReader()
  readonly #clock: CoarseClock
  readonly #settings: HttpSettings

  constructor(endpoint: Endpoint, clock: CoarseClock, settings: HttpSettings) {
    this.endpoint = endpoint
    this.#clock = clock
    this.#settings = settings
    this.#keepAliveMs = settings.poolIdleTimeoutMs
    this.startedAtMs = clock.nowMs
    this.socket = connect({
      host: endpoint.address,
      port: endpoint.port,
      noDelay: true,
      allowHalfOpen: true,
      onread: {
        // why: one buffer for all reads of this connection; see `pinned`
        buffer: Buffer.allocUnsafeSlow(readBufferBytes),
        callback: (size, bytes) => {
          this.#onData(this.#view(bytes as Buffer, size))
          return !this.pinned
        },
      },
    })
    this.socket.on('connect', () => {
      this.connected = true
      this.#user?.onConnected(this)
    })
    this.socket.on('end', () => this.#onEnd())
    this.socket.on('drain', () => {
      this.#user?.onUpstreamDrain()
      this.#tunnel?.onBackendDrain()
    })
    this.socket.on('error', (error: NodeJS.ErrnoException) =>
      this.#fail(error.code ?? error.message),
    )
    this.socket.on('close', () => this.#fail('the backend closed the connection'))
  }

  /** Binds this connection to an exchange; the user is told when it may write. */
  begin(user: UpstreamUser): void {
    this.#user = user
    this.answered = false
    this.#inBody = false
    if (!this.#counted) this.endpoint.outstanding += 1
    this.#counted = true
    if (this.connected) user.onConnected(this)
  }

  /** From now on bytes pass as they are (101, or HTTP/2 prior knowledge). */
  beginTunnel(tunnel: Tunnel): void {
    this.#tunnel = tunnel
    this.#user = undefined
  }

  /** Gives the connection back after a complete exchange. */
  release(): void {
    this.#user = undefined
    this.#settle()
    // why: a request that is still in our buffers was answered early; the connection is out of step
    const unsent = this.socket.writableLength > 0
    if (!this.#keepAlive || this.#failed || unsent || this.pinned || this.socket.destroyed) {
      this.destroy()
      return
    }
    this.reused = true
    this.idleSinceMs = this.#clock.nowMs
    this.expiresAtMs = this.idleSinceMs + this.#keepAliveMs
    this.endpoint.keep(this, this.#settings.poolMaxIdlePerEndpoint)
  }

  /** The client has taken what it was given. */
  unpin(): void {
    if (!this.pinned) return
    this.pinned = false
    this.socket.resume()
  }

  /** Ends the connection without telling its user. */
  destroy(): void {
    this.#user = undefined
    this.#settle()
    this.endpoint.forget(this)
    this.socket.destroy()
  }

  /** Like `destroy`, with a reset, so that a backend does not take half a request for a whole one. */
  reset(): void {
    this.#user = undefined
    this.#settle()
    this.endpoint.forget(this)
    if (this.connected) reset(this.socket)
    else this.socket.destroy()
  }

  /** A connect attempt took too long. */
  expire(): void {
    this.#fail('connect timed out')
    this.socket.destroy()
  }

  #settle(): void {
    if (this.#counted) this.endpoint.outstanding -= 1
    this.#counted = false
  }

  #view(bytes: Buffer, size: number): Buffer {
    return bytes.subarray(0, size)
  }

  #onData(chunk: Buffer): void {
    if (this.#tunnel !== undefined) {
      this.#tunnel.onBackendBytes(chunk)
      return
    }
    const user = this.#user
    if (user === undefined) {
      // why: nobody asked; whatever this is, it must never be taken for the answer to the next request
      this.destroy()
      return
    }
    this.answered = true
    if (this.#inBody) this.#readBody(user, chunk, 0)
    else this.#readHead(user, chunk)
  }

  #readHead(user: UpstreamUser, chunk: Buffer): void {
    let bytes = chunk
    if (this.#pending !== undefined) {
      bytes = Buffer.concat([this.#pending, chunk])
      this.#pending = undefined
    }
    let from = 0
    for (;;) {
      const to = responseHead.parse(bytes, from, bytes.length)
      if (to === malformed) {
        this.#fail(responseHead.cause)
        this.socket.destroy()
        return
      }
      if (to === incomplete) {
        // why: the read buffer is about to be used again
        this.#pending = Buffer.from(bytes.subarray(from))
        return
      }
      const { status } = responseHead
      if (status === 101) {
        this.#enterTunnel(user, bytes, to)
        return
      }
      if (status >= 200) {
        this.#readFinalHead(user, bytes, to)
        return
      }
      user.onResponseHead(responseHead, bytes, to, false)
      if (this.#user !== user) return
      from = to
      if (from === bytes.length) return
    }
  }

  #enterTunnel(user: UpstreamUser, bytes: Buffer, headEnd: number): void {
    user.onResponseHead(responseHead, bytes, headEnd, false)
    if (headEnd < bytes.length) this.#tunnel?.onBackendBytes(bytes.subarray(headEnd))
  }

  #readFinalHead(user: UpstreamUser, bytes: Buffer, headEnd: number): void {
    const head = responseHead
    const { status, framing } = head
    this.#keepAlive = head.minorVersion === 1 ? !framing.close : framing.keepAlive
    if (head.fields.has(fieldKind.keepAlive)) this.#readKeepAlive(bytes, head)
    if (user.expectsNoBody || status === 204 || status === 304) this.#body.beginEmpty()
    else if (framing.chunked) this.#body.beginChunked()
    else if (framing.contentLength !== -1) this.#body.beginLength(framing.contentLength)
    else this.#body.beginUntilClose()
    if (this.#body.endsAtClose) this.#keepAlive = false
    this.#inBody = true
    const unpack = user.unpacksChunks && framing.chunked && !this.#body.isDone
    if (unpack || this.#body.isDone) {
      user.onResponseHead(head, bytes, headEnd, this.#body.endsAtClose)
      if (this.#user === user) this.#readBody(user, bytes, headEnd)
      return
    }
    // why: head and body go out as one write
    const to = this.#body.consume(bytes, headEnd, bytes.length)
    if (this.#body.isFaulty) {
      this.#fail(this.#body.cause)
      this.socket.destroy()
      return
    }
    user.onResponseHead(head, bytes, to, this.#body.endsAtClose)
    this.#afterBody(user, to === bytes.length)
  }

  #readBody(user: UpstreamUser, bytes: Buffer, from: number): void {
    if (user.unpacksChunks) {
      const to = this.#body.consume(bytes, from, bytes.length, (start, end) => {
        if (end > start) user.onResponseBytes(bytes, start, end)
      })
      this.#afterBody(user, to === bytes.length)
      return
    }
    const to = this.#body.consume(bytes, from, bytes.length)
    if (!this.#body.isFaulty && to > from) user.onResponseBytes(bytes, from, to)
    this.#afterBody(user, to === bytes.length)
  }

  #afterBody(user: UpstreamUser, clean: boolean): void {
    if (this.#user !== user) return
    if (this.#body.isFaulty) {
      this.#fail(this.#body.cause)
      this.socket.destroy()
    } else if (this.#body.isDone) {
      this.#finish(user, clean)
    }
  }

  #finish(user: UpstreamUser, clean: boolean): void {
    // why: bytes behind the response answer no request of ours
    if (!clean) this.#keepAlive = false
    this.#inBody = false
    user.onResponseEnd()
  }

  #onEnd(): void {
    if (this.#tunnel !== undefined) {
      this.#tunnel.onBackendEnd()
      return
    }
    const user = this.#user
    if (user !== undefined && this.#inBody && this.#body.endsAtClose) {
      this.#keepAlive = false
      this.#body.beginEmpty()
      this.#finish(user, true)
    } else {
      this.#fail('the backend closed the connection')
    }
    this.socket.destroy()
  }

  #fail(cause: string): void {
    if (this.#failed) return
    this.#failed = true
    this.#settle()
    this.endpoint.forget(this)
    const user = this.#user
    this.#user = undefined
    user?.onUpstreamFailed(this, cause)
    this.#tunnel?.onBackendFailed()
  }

  /** Leaves a backend's idle connection before the backend does: `Keep-Alive: timeout=5` is used for 4 s. */
  #readKeepAlive(bytes: Buffer, head: ResponseHead): void {
    const { fields } = head
    for (let i = 0; i < fields.count; i += 1) {
      if (fields.kind[i] !== fieldKind.keepAlive) continue
      const value = bytes.toString('latin1', fields.valueStart[i], fields.valueEnd[i])
      const seconds = /timeout=(\d{1,6})/i.exec(value)?.[1]
      if (seconds === undefined) continue
      const limitMs = Math.max(0, Number(seconds) * 1000 - 1000)
      this.#keepAliveMs = Math.min(this.#settings.poolIdleTimeoutMs, limitMs)
    }
  }
}
