/** What goes back to a client: a backend's answer without its hop-by-hop fields, or our own. */
import type { Socket } from 'node:net'
import type { ResponseHead } from '../../wire/http1-response.ts'
import { errorResponse, type OwnStatus } from './error-response.ts'
import { stripInPlace, withLines } from './response-head.ts'
import type { Route } from './route.ts'
import type { Upstream } from './upstream.ts'

export class ClientWriter {
  readonly #socket: Socket
  readonly #route: Route

  constructor(socket: Socket, route: Route) {
    this.#socket = socket
    this.#route = route
  }

  /** An interim answer (1xx), 101 unchanged: its Connection and Upgrade fields are for the client. */
  interim(head: ResponseHead, bytes: Buffer, from: Upstream): void {
    if (head.status === 101) this.#count(101)
    const start = head.status === 101 ? head.start : stripInPlace(bytes, head, false)
    this.bytes(bytes, start, head.end, from)
  }

  /** The final head, and the body bytes up to `to`, in one write. */
  head(
    head: ResponseHead,
    bytes: Buffer,
    to: number,
    from: Upstream,
    options: {
      readonly close: boolean
      readonly dropCoding: boolean
      /** A field line, with its CRLF, that the client gets on top of the backend's. */
      readonly extraLine: Buffer | undefined
    },
  ): void {
    this.#count(head.status)
    const start = stripInPlace(bytes, head, options.dropCoding)
    if (!options.close && options.extraLine === undefined) {
      this.bytes(bytes, start, to, from)
      return
    }
    // why: one copy is cheaper than a second write, and at most one read long
    this.#socket.write(withLines(bytes, start, head.end, to, options))
  }

  bytes(bytes: Buffer, start: number, to: number, from: Upstream): void {
    this.#socket.write(start === 0 && to === bytes.length ? bytes : bytes.subarray(start, to))
    this.#pin(from)
  }

  /** An answer of our own. */
  error(
    status: OwnStatus,
    cause: string,
    options: { readonly close: boolean; readonly withBody: boolean },
  ): void {
    this.#count(status)
    this.#socket.write(errorResponse(status, cause, options))
  }

  /** What the kernel did not take at once is still in the backend's read buffer. */
  #pin(upstream: Upstream): void {
    if (this.#socket.writableLength > 0) upstream.pinned = true
  }

  #count(status: number): void {
    const { responses } = this.#route.counters
    responses[Math.min(5, Math.floor(status / 100)) as 1] += 1
  }
}
