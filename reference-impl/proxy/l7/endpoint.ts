/** One backend address with the idle connections to it, shared by all Services that lead there. */
import type { CoarseClock } from './clock.ts'
import type { Upstream } from './upstream.ts'

export class Endpoint {
  readonly address: string
  readonly port: number
  /** Until then other endpoints are preferred (`CoarseClock` time). */
  ejectedUntilMs = 0
  /** No Service leads here any more: connections are closed as they become free. */
  retired = false
  /** Requests that were sent, or wait for a connection, and are not answered yet; tunnels while they last. */
  outstanding = 0
  readonly #idle: Upstream[] = []

  constructor(address: string, port: number) {
    this.address = address
    this.port = port
  }

  get idleCount(): number {
    return this.#idle.length
  }

  /** The connection that became free last, if it has been idle for less than `maxIdleMs`. */
  takeIdle(clock: CoarseClock, maxIdleMs: number): Upstream | undefined {
    const upstream = this.#idle.at(-1)
    if (upstream === undefined || clock.nowMs - upstream.idleSinceMs > maxIdleMs) return undefined
    this.#idle.pop()
    return upstream
  }

  /** Keeps a free connection for the next request. */
  keep(upstream: Upstream, max: number): void {
    if (this.retired || this.#idle.length >= max) upstream.destroy()
    else this.#idle.push(upstream)
  }

  /** Forgets an idle connection that the backend closed. */
  forget(upstream: Upstream): void {
    const at = this.#idle.indexOf(upstream)
    if (at !== -1) this.#idle.splice(at, 1)
  }

  closeExpired(nowMs: number): void {
    // why: the list is in order of becoming free, so the expired ones come first (but for their own shorter limits)
    for (const upstream of [...this.#idle]) if (upstream.expiresAtMs <= nowMs) upstream.destroy()
  }

  retire(): void {
    this.retired = true
    for (const upstream of [...this.#idle]) upstream.destroy()
  }
}
