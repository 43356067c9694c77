/** Which endpoint a new connection or flow of a client goes to. */
import type { BalancePolicy } from '../../kube/snapshot.ts'
import { seededRandom } from '../balance/random.ts'
import { hashText, slotOf, slotTable } from '../balance/slots.ts'
import type { Destination } from '../plan.ts'

/** Slots of the table that source addresses lead to, as in the kernel's rules. */
const slotCount = 1024

interface Affine {
  readonly key: string
  lastUsedMs: number
}

export class Chooser {
  readonly #random = seededRandom()
  readonly #affine = new Map<string, Affine>()
  #destinations: readonly Destination[] = []
  #policy: BalancePolicy = 'round-robin'
  #affinityMs = 0
  #slots: Uint16Array | undefined
  #next = 0

  update(
    destinations: readonly Destination[],
    policy: BalancePolicy,
    affinitySeconds: number | undefined,
  ): void {
    const changed =
      destinations.length !== this.#destinations.length ||
      destinations.some((one, i) => keyOf(one) !== keyOf(this.#destinations[i] ?? one))
    if (changed) this.#slots = undefined
    this.#destinations = destinations
    this.#policy = policy
    this.#affinityMs = (affinitySeconds ?? 0) * 1000
    if (this.#affinityMs === 0) this.#affine.clear()
  }

  has(destination: Destination): boolean {
    const key = keyOf(destination)
    return this.#destinations.some((one) => keyOf(one) === key)
  }

  /** @param tried - keys (`keyOf`) of those that refused; undefined when no other is left */
  choose(client: string, tried: ReadonlySet<string>, nowMs: number): Destination | undefined {
    const usable = this.#destinations.filter((one) => !tried.has(keyOf(one)))
    if (usable.length === 0) return undefined
    if (this.#affinityMs === 0) return this.#byPolicy(client, usable)
    const known = this.#affine.get(client)
    const sticky =
      known !== undefined && nowMs - known.lastUsedMs <= this.#affinityMs
        ? usable.find((one) => keyOf(one) === known.key)
        : undefined
    const chosen = sticky ?? this.#byPolicy(client, usable)
    this.#affine.set(client, { key: keyOf(chosen), lastUsedMs: nowMs })
    return chosen
  }

  /** Forgets clients whose affinity has run out. */
  sweep(nowMs: number): void {
    for (const [client, { lastUsedMs }] of this.#affine)
      if (nowMs - lastUsedMs > this.#affinityMs) this.#affine.delete(client)
  }

  #byPolicy(client: string, usable: readonly Destination[]): Destination {
    const [first] = usable as readonly [Destination, ...Destination[]]
    if (usable.length === 1) return first
    if (typeof this.#policy !== 'string') {
      this.#slots ??= slotTable(this.#destinations, slotCount)
      const own = this.#destinations[this.#slots[slotOf(hashText(client), slotCount)] as number]
      return own !== undefined && usable.includes(own) ? own : first
    }
    if (this.#policy !== 'round-robin')
      return usable[Math.floor(this.#random() * usable.length)] ?? first
    this.#next = (this.#next + 1) % usable.length
    return usable[this.#next] ?? first
  }
}

export function keyOf({ address, port }: Destination): string {
  return `${address}:${port}`
}
