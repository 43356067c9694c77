/** The choice among the endpoints of one route, policy by policy. */
import type { BalancePolicy } from '../../kube/snapshot.ts'
import { seededRandom } from '../balance/random.ts'
import { seedOf, slotOf, slotTable, weight } from '../balance/slots.ts'
import type { CoarseClock } from './clock.ts'
import type { Endpoint } from './endpoint.ts'

type SimplePolicy = Extract<BalancePolicy, string>

/** Slots of the table that hashes of requests lead to: 64 per endpoint at 64 endpoints. */
const slotCount = 4096

export class EndpointChoice {
  readonly #random: () => number
  #endpoints: readonly Endpoint[] = []
  #next = 0
  #slots: Uint16Array | undefined

  /** @param random - uniform numbers from 0 up to 1 */
  constructor(random: () => number = seededRandom()) {
    this.#random = random
  }

  get endpoints(): readonly Endpoint[] {
    return this.#endpoints
  }

  set endpoints(endpoints: readonly Endpoint[]) {
    const same =
      endpoints.length === this.#endpoints.length &&
      endpoints.every((endpoint, i) => endpoint === this.#endpoints[i])
    if (same) return
    this.#endpoints = endpoints
    this.#slots = undefined
    if (this.#next >= endpoints.length) this.#next = 0
  }

  bySimple(
    policy: SimplePolicy,
    clock: CoarseClock,
    tried: readonly Endpoint[],
  ): Endpoint | undefined {
    if (policy === 'round-robin') return this.#inTurn(clock, tried)
    const usable = this.#usable(clock, tried)
    const count = usable.length
    if (count < 2) return usable[0]
    const first = Math.floor(this.#random() * count)
    const one = usable[first] as Endpoint
    if (policy === 'random') return one
    // why: the better of two at random is nearly as good as the best, and no herd runs to one that has just become free
    const second = (first + 1 + Math.floor(this.#random() * (count - 1))) % count
    const other = usable[second] as Endpoint
    return other.outstanding < one.outstanding ? other : one
  }

  /** The endpoint that the hash's slot belongs to; while it is not to be used, the next by weight. */
  byHash(hash: number, clock: CoarseClock, tried: readonly Endpoint[]): Endpoint | undefined {
    if (this.#endpoints.length === 0) return undefined
    this.#slots ??= slotTable(this.#endpoints, slotCount)
    const slot = slotOf(hash, slotCount)
    const own = this.#endpoints[this.#slots[slot] as number] as Endpoint
    if (own.ejectedUntilMs <= clock.nowMs && !tried.includes(own)) return own
    let best: Endpoint | undefined
    let bestWeight = -1
    for (const endpoint of this.#usable(clock, tried)) {
      const its = weight(slot, seedOf(endpoint))
      if (its <= bestWeight) continue
      bestWeight = its
      best = endpoint
    }
    return best
  }

  #inTurn(clock: CoarseClock, tried: readonly Endpoint[]): Endpoint | undefined {
    const count = this.#endpoints.length
    let fallback: Endpoint | undefined
    for (let i = 0; i < count; i += 1) {
      const index = (this.#next + i) % count
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

  /** Those that were not tried; without those that refused a connection lately, unless there are no others. */
  #usable(clock: CoarseClock, tried: readonly Endpoint[]): readonly Endpoint[] {
    const { nowMs } = clock
    const all = this.#endpoints
    if (tried.length === 0 && all.every(({ ejectedUntilMs }) => ejectedUntilMs <= nowMs)) return all
    const untried = all.filter((endpoint) => !tried.includes(endpoint))
    const healthy = untried.filter(({ ejectedUntilMs }) => ejectedUntilMs <= nowMs)
    return healthy.length > 0 ? healthy : untried
  }
}
