/** One HTTP port of one Service: its endpoints, the choice among them, and what happened to its requests. */
import type { CoarseClock } from './clock.ts'
import type { Endpoint } from './endpoint.ts'

/** Totals since start. */
export interface RouteCounters {
  connections: number
  requests: number
  /** Responses by class: index 2 counts 200-299, and so on. */
  responses: [number, number, number, number, number, number]
  connectFailures: number
  retries: number
  malformed: number
  /** Exchanges that broke after the response had begun. */
  cut: number
}

/** How the next endpoint is chosen. */
export type Policy = 'round-robin' | 'random'

export class Route {
  /** `namespace/name:port`, for messages and metrics. */
  readonly name: string
  /** Host of HTTP/1.0 requests that name none. */
  readonly authority: string
  policy: Policy = 'round-robin'
  readonly counters: RouteCounters = {
    connections: 0,
    requests: 0,
    responses: [0, 0, 0, 0, 0, 0],
    connectFailures: 0,
    retries: 0,
    malformed: 0,
    cut: 0,
  }
  #endpoints: readonly Endpoint[] = []
  #next = 0

  constructor(name: string, authority: string) {
    this.name = name
    this.authority = authority
  }

  get endpoints(): readonly Endpoint[] {
    return this.#endpoints
  }

  set endpoints(endpoints: readonly Endpoint[]) {
    this.#endpoints = endpoints
    if (this.#next >= endpoints.length) this.#next = 0
  }

  /**
   * Chooses an endpoint: in turn or at random; those that refused a connection lately, and those in `tried`, only
   * when no other is left.
   */
  pick(clock: CoarseClock, tried: readonly Endpoint[]): Endpoint | undefined {
    const count = this.#endpoints.length
    if (count === 0) return undefined
    const first = this.policy === 'random' ? Math.floor(Math.random() * count) : this.#next
    let fallback: Endpoint | undefined
    for (let i = 0; i < count; i += 1) {
      const index = first + i < count ? first + i : first + i - count
      const endpoint = this.#endpoints[index] as Endpoint
      if (tried.length > 0 && tried.includes(endpoint)) continue
      if (endpoint.ejectedUntilMs > clock.nowMs) {
        fallback ??= endpoint
        continue
      }
      this.#next = index + 1 === count ? 0 : index + 1
      return endpoint
    }
    return fallback
  }
}
