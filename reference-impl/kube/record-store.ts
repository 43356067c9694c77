/** Records of one kind by key, with word of each difference. Records that say the same are no difference. */
export class RecordStore<T> {
  readonly #records = new Map<string, T>()
  readonly #onChange: (before: T | undefined, after: T | undefined) => void

  constructor(onChange: (before: T | undefined, after: T | undefined) => void) {
    this.#onChange = onChange
  }

  get size(): number {
    return this.#records.size
  }

  get(key: string): T | undefined {
    return this.#records.get(key)
  }

  keys(): IterableIterator<string> {
    return this.#records.keys()
  }

  values(): IterableIterator<T> {
    return this.#records.values()
  }

  put(key: string, record: T): void {
    const before = this.#records.get(key)
    if (before !== undefined && JSON.stringify(before) === JSON.stringify(record)) return
    this.#records.set(key, record)
    this.#onChange(before, record)
  }

  delete(key: string): void {
    const before = this.#records.get(key)
    if (before === undefined) return
    this.#records.delete(key)
    this.#onChange(before, undefined)
  }

  /** Makes these the only ones. */
  replace(records: ReadonlyMap<string, T>): void {
    for (const key of [...this.#records.keys()]) if (!records.has(key)) this.delete(key)
    for (const [key, record] of records) this.put(key, record)
  }
}
