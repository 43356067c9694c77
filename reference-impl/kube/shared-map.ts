/**
 * A map that shares what did not change with the one it was made from: to copy 10 000 entries for each change of one
 * would cost more than all the rest of the change.
 */

/** Parts of a map; a change copies one of them. */
const partCount = 256

type Part<V> = ReadonlyMap<string, V>

/** Never changes. The order of its entries is the same in maps that were made from one another. */
export class SharedMap<V> implements ReadonlyMap<string, V> {
  readonly #parts: readonly Part<V>[]
  readonly size: number

  private constructor(parts: readonly Part<V>[]) {
    this.#parts = parts
    this.size = parts.reduce((sum, part) => sum + part.size, 0)
  }

  static empty<V>(): SharedMap<V> {
    return new SharedMap(Array.from({ length: partCount }, (): Part<V> => new Map()))
  }

  /** @param changes - new values; undefined: the key goes */
  with(changes: Iterable<readonly [string, V | undefined]>): SharedMap<V> {
    const parts = [...this.#parts]
    const own = new Map<number, Map<string, V>>()
    for (const [key, value] of changes) {
      const at = partOf(key)
      const part = own.get(at) ?? new Map(parts[at])
      own.set(at, part)
      parts[at] = part
      if (value === undefined) part.delete(key)
      else part.set(key, value)
    }
    return new SharedMap(parts)
  }

  get(key: string): V | undefined {
    return this.#parts[partOf(key)]?.get(key)
  }

  has(key: string): boolean {
    return this.#parts[partOf(key)]?.has(key) === true
  }

  // why: arrays, because generators take ten times as long
  entries(): MapIterator<[string, V]> {
    return this.#parts.flatMap((part) => [...part])[Symbol.iterator]()
  }

  keys(): MapIterator<string> {
    return this.#parts.flatMap((part) => [...part.keys()])[Symbol.iterator]()
  }

  values(): MapIterator<V> {
    return this.#parts.flatMap((part) => [...part.values()])[Symbol.iterator]()
  }

  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries()
  }

  forEach(call: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [key, value] of this) call(value, key, this)
  }
}

function partOf(key: string): number {
  let hash = 0
  for (let at = 0; at < key.length; at += 1) hash = (Math.imul(hash, 31) + key.charCodeAt(at)) | 0
  return (hash >>> 0) % partCount
}
