/**
 * Elements that nothing leads to any more and that are still in the kernel: to take one away makes nft read every chain
 * of the node, so they go together, with the next change that has to do so anyway or before the table is looked at.
 */
import { mayStay } from './script.ts'
import type { Container, DestinationMap, TableChange } from './table.ts'

/** So many are taken away with the next change, whatever it is. */
const many = 4096

export class Leftovers {
  readonly #all = new Map<Container | DestinationMap, Map<string, string>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  get areMany(): boolean {
    return this.#size >= many
  }

  /** By container: keys with what follows them. */
  get all(): ReadonlyMap<Container | DestinationMap, ReadonlyMap<string, string>> {
    return this.#all
  }

  /** Takes in what a change leaves, forgets what it brings back. */
  add({ elements }: TableChange): void {
    for (const [name, changes] of elements) {
      if (!mayStay(name)) continue
      const left = this.#all.get(name) ?? new Map<string, string>()
      this.#all.set(name, left)
      this.#size -= left.size
      for (const { key, before, now } of changes) {
        if (now !== undefined) left.delete(key)
        else if (before !== undefined) left.set(key, before)
      }
      this.#size += left.size
      if (left.size === 0) this.#all.delete(name)
    }
  }

  clear(): void {
    this.#all.clear()
    this.#size = 0
  }
}
