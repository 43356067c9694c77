/** The end of a client connection: what was answered is delivered, what still comes in is thrown away. */
import type { Socket } from 'node:net'
import type { ProxyState } from './proxy-state.ts'

/** How long the rest of a refused request is read, so that the answer is not lost to a reset. */
const lingerMs = 2_000

export class Lingering {
  readonly #socket: Socket
  readonly #state: ProxyState
  readonly #sinceMs: number

  constructor(socket: Socket, state: ProxyState) {
    this.#socket = socket
    this.#state = state
    this.#sinceMs = state.clock.nowMs
    socket.end()
    if (socket.isPaused()) socket.resume()
  }

  /** When to look again. */
  get deadlineMs(): number {
    return this.#state.clock.nowMs + lingerMs
  }

  /** Ends the connection, unless a slow client is still taking the end of its answer. */
  end(): void {
    const { clock, settings } = this.#state
    const taking = this.#socket.writableLength > 0
    const lingeredMs = clock.nowMs - this.#sinceMs
    if (!taking || lingeredMs > settings.bodyIdleTimeoutMs) this.#socket.destroy()
  }
}
