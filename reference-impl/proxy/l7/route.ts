/** One HTTP port of one Service: its endpoints, the choice among them, and what happened to its requests. */
import type { BalancePolicy } from '../../kube/snapshot.ts'
import { hashText } from '../balance/slots.ts'
import { EndpointChoice } from './choice.ts'
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

export function emptyCounters(): RouteCounters {
  return {
    connections: 0,
    requests: 0,
    responses: [0, 0, 0, 0, 0, 0],
    connectFailures: 0,
    retries: 0,
    malformed: 0,
    cut: 0,
  }
}

/** Adds `from` to `sum`. */
export function addCounters(sum: RouteCounters, from: Readonly<RouteCounters>): void {
  sum.connections += from.connections
  sum.requests += from.requests
  for (const [i, count] of from.responses.entries()) sum.responses[i as 0] += count
  sum.connectFailures += from.connectFailures
  sum.retries += from.retries
  sum.malformed += from.malformed
  sum.cut += from.cut
}

/** As many as the kernel's affinity sets hold. */
const maxRememberedClients = 65_536

export class Route {
  /** `namespace/name:port`, for messages and metrics. */
  readonly name: string
  /** Host of HTTP/1.0 requests that name none. */
  readonly authority: string
  policy: BalancePolicy = 'round-robin'
  /** Seconds for which a client stays with its endpoint (ClientIP affinity); 0 without. */
  affinitySeconds = 0
  readonly counters: RouteCounters = emptyCounters()
  readonly #remembered = new Map<string, { endpoint: Endpoint; expiresMs: number }>()
  readonly #choice: EndpointChoice

  /** @param random - uniform numbers from 0 up to 1 */
  constructor(name: string, authority: string, random?: () => number) {
    this.name = name
    this.authority = authority
    this.#choice = new EndpointChoice(random)
  }

  get endpoints(): readonly Endpoint[] {
    return this.#choice.endpoints
  }

  set endpoints(endpoints: readonly Endpoint[]) {
    this.#choice.endpoints = endpoints
  }

  /**
   * Chooses an endpoint: the client's own where there is affinity, otherwise as the policy says. Those that refused a
   * connection lately, and those in `tried`, only when no other is left.
   * @param key - hash of what the policy looks at in the request; undefined when the request lacks it
   */
  pick(
    clock: CoarseClock,
    tried: readonly Endpoint[],
    client: string,
    key?: number,
  ): Endpoint | undefined {
    const { policy } = this
    if (this.affinitySeconds === 0) {
      if (typeof policy === 'string') return this.#choice.bySimple(policy, clock, tried)
      return this.#choice.byHash(key ?? hashText(client), clock, tried)
    }
    const known = this.#remembered.get(client)
    const alive =
      known !== undefined &&
      known.expiresMs > clock.nowMs &&
      !tried.includes(known.endpoint) &&
      this.endpoints.includes(known.endpoint)
    const simple = typeof policy === 'string' ? policy : 'round-robin'
    const endpoint = alive ? known.endpoint : this.#choice.bySimple(simple, clock, tried)
    if (endpoint !== undefined) {
      this.#remember(client, endpoint, clock.nowMs + this.affinitySeconds * 1000)
    }
    return endpoint
  }

  /** The oldest clients are forgotten first: a Map keeps the order of insertion. */
  #remember(client: string, endpoint: Endpoint, expiresMs: number): void {
    this.#remembered.delete(client)
    this.#remembered.set(client, { endpoint, expiresMs })
    if (this.#remembered.size <= maxRememberedClients) return
    for (const oldest of this.#remembered.keys()) {
      this.#remembered.delete(oldest)
      return
    }
  }
}
