/**
 * Values by key that several Services may ask for (an endpoint behind two of them), with word of what changed since that
 * was last asked for. A key is there while one claim is; of different values the first in the order of their texts counts,
 * whoever came first.
 */
export class Claims<V extends string | number | readonly string[]> {
  readonly #values = new Map<string, V>()
  /** All claims of keys that have more than one. */
  readonly #contested = new Map<string, V[]>()
  /** What keys had before the first change since `takeChanges`; undefined: nobody has asked yet. */
  #before: Map<string, V | undefined> | undefined

  /** @param isEmptyKnown - changes count from the first claim, not from the first `takeChanges` */
  constructor(isEmptyKnown = false) {
    if (isEmptyKnown) this.#before = new Map()
  }

  get size(): number {
    return this.#values.size
  }

  get(key: string): V | undefined {
    return this.#values.get(key)
  }

  has(key: string): boolean {
    return this.#values.has(key)
  }

  [Symbol.iterator](): IterableIterator<[string, V]> {
    return this.#values[Symbol.iterator]()
  }

  claim(key: string, value: V): void {
    const known = this.#values.get(key)
    if (known === undefined) {
      this.#set(key, value)
      return
    }
    const all = this.#contested.get(key) ?? [known]
    all.push(value)
    this.#contested.set(key, all)
    this.#set(key, first(all))
  }

  /** Takes back one claim that was made with the same value. */
  release(key: string, value: V): void {
    const all = this.#contested.get(key)
    if (all === undefined) {
      this.#set(key, undefined)
      return
    }
    const at = all.findIndex((one) => isSame(one, value))
    if (at >= 0) all.splice(at, 1)
    if (all.length === 1) this.#contested.delete(key)
    this.#set(key, first(all))
  }

  /** Keys whose value is another one than when this was last called; none the first time. */
  takeChanges(): readonly Change<V>[] {
    const changes: Change<V>[] = []
    for (const [key, before] of this.#before ?? []) {
      const now = this.#values.get(key)
      if (!isSame(before, now)) changes.push({ key, before, now })
    }
    this.#before = new Map()
    return changes
  }

  #set(key: string, value: V | undefined): void {
    const known = this.#values.get(key)
    if (known === value) return
    if (this.#before?.has(key) === false) this.#before.set(key, known)
    if (value === undefined) this.#values.delete(key)
    else this.#values.set(key, value)
  }
}

/** `undefined`: not there. */
export interface Change<V> {
  readonly key: string
  readonly before: V | undefined
  readonly now: V | undefined
}

function first<V extends string | number | readonly string[]>(values: readonly V[]): V | undefined {
  return values.reduce<V | undefined>(
    (least, one) => (least === undefined || String(one) < String(least) ? one : least),
    undefined,
  )
}

function isSame<V>(one: V | undefined, other: V | undefined): boolean {
  if (one === other) return true
  return one !== undefined && other !== undefined && String(one) === String(other)
}
