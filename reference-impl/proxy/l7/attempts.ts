/** The endpoints that one request is tried at, and whether it may be tried again. */
import type { Endpoint } from './endpoint.ts'
import type { ProxyState } from './proxy-state.ts'
import type { Route } from './route.ts'
import { Upstream } from './upstream.ts'

/** Requests that must not be repeated use an idle connection only while the backend has surely not left it. */
const freshIdleMs = 1_000
const noEndpoints: readonly Endpoint[] = []

export class Attempts {
  /** The request may be sent twice: it is idempotent and we still have all of it (RFC 9110 §9.2.2). */
  isReplayable = false
  /** Why the last attempt failed, for the person who reads the answer. */
  lastCause = ''
  readonly #route: Route
  readonly #state: ProxyState
  readonly #client: string
  #count = 0
  #tried: readonly Endpoint[] = noEndpoints
  #mayReuse = true
  #key: number | undefined

  constructor(route: Route, state: ProxyState, client: string) {
    this.#route = route
    this.#state = state
    this.#client = client
  }

  /** 503 while there is no endpoint at all, 502 when those there are do not answer. */
  get failureStatus(): 502 | 503 {
    return this.#count === 0 ? 503 : 502
  }

  /**
   * @param mayReuse - whether an idle connection may be used
   * @param key - hash of what the route's policy looks at
   */
  begin(isReplayable: boolean, mayReuse: boolean, key: number | undefined): void {
    this.#key = key
    this.isReplayable = isReplayable
    this.lastCause = 'no ready endpoint'
    this.#count = 0
    this.#tried = noEndpoints
    this.#mayReuse = mayReuse
  }

  /** A connection for the next attempt; undefined when there is nothing left to try. */
  next(): Upstream | undefined {
    const { clock, settings } = this.#state
    if (this.#count >= settings.maxAttempts) return undefined
    const endpoint = this.#route.pick(clock, this.#tried, this.#client, this.#key)
    if (endpoint === undefined) return undefined
    this.#count += 1
    const maxIdleMs = this.isReplayable ? settings.poolIdleTimeoutMs : freshIdleMs
    const idle = this.#mayReuse ? endpoint.takeIdle(clock, maxIdleMs) : undefined
    return idle ?? new Upstream(endpoint, clock, settings)
  }

  /** Notes that `upstream` failed before it answered; returns whether the request may be tried elsewhere. */
  mayRepeatAfter(upstream: Upstream, cause: string): boolean {
    const { counters } = this.#route
    const { endpoint } = upstream
    const where = `${endpoint.address}:${endpoint.port}`
    if (!upstream.connected) {
      counters.connectFailures += 1
      endpoint.ejectedUntilMs = this.#state.clock.nowMs + this.#state.settings.ejectionMs
      this.#tried = [...this.#tried, endpoint]
      this.lastCause = `no connection to ${where} (${cause})`
      return true
    }
    this.lastCause = `${where} did not answer (${cause})`
    if (!this.isReplayable || upstream.answered) return false
    counters.retries += 1
    // why: the backend may merely have left an idle connection; one that broke a fresh one is avoided
    if (!upstream.reused) this.#tried = [...this.#tried, endpoint]
    this.#mayReuse = false
    return true
  }
}
