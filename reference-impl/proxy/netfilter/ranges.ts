/**
 * Where the destinations of each chain lie in maps that many chains share: a rule takes the n-th turn as the key `offset + n`.
 * A map for each chain would be simpler, but the kernel keeps maps in one list that it walks for each new one, so that
 * 10 000 of them cost it 10 s; and one map for all is walked for each rule that comes to use it.
 */
import type { Destination, PortPlan } from '../plan.ts'
import type { DestinationMap } from './table.ts'

/** Keys that one chain has; more destinations than that do not go into a shared map. */
export const keysPerChain = 4096

/** Chains that share a map. */
const chainsPerMap = 256

/** Keys have 32 bits. */
const mostChains = 2 ** 32 / keysPerChain

export interface Range {
  /** Name of the map. */
  readonly map: DestinationMap
  /** Key of the first destination. */
  readonly offset: number
}

interface Placed extends Range {
  readonly index: number
  readonly count: number
  readonly contents: string
}

export class Ranges {
  readonly #placed = new Map<string, Placed>()
  readonly #taken = new Set<number>()
  #next = 0

  /** Where the destinations of `chain` are. @throws Error when it has none */
  find(chain: string): Range {
    const placed = this.#placed.get(chain)
    if (placed === undefined) throw new Error(`chain ${chain} has no range of keys`)
    return placed
  }

  /**
   * The same range as before for the same destinations. Others get the keys behind it, so that a packet that is under way
   * in the old rule still finds what that rule meant.
   */
  place(
    chain: string,
    { protocol }: Pick<PortPlan, 'protocol'>,
    to: readonly Destination[],
  ): Range {
    const contents = to.map(({ address, port }) => `${address}:${port}`).join()
    const known = this.#placed.get(chain)
    if (known?.contents === contents) return known
    const index = known?.index ?? this.#free()
    const from = index * keysPerChain
    const behind = known === undefined ? from : known.offset + known.count
    const offset = behind + to.length > from + keysPerChain ? from : behind
    const map: DestinationMap = `to-${protocol}-${Math.floor(index / chainsPerMap)}`
    const placed = { map, offset, index, count: to.length, contents }
    this.#placed.set(chain, placed)
    return placed
  }

  release(chain: string): void {
    const placed = this.#placed.get(chain)
    if (placed === undefined) return
    this.#placed.delete(chain)
    this.#taken.delete(placed.index)
  }

  /** why: not the smallest one that is free, which may have been another Service's a moment ago */
  #free(): number {
    while (this.#taken.has(this.#next)) this.#next = (this.#next + 1) % mostChains
    const index = this.#next
    this.#taken.add(index)
    this.#next = (index + 1) % mostChains
    return index
  }
}
