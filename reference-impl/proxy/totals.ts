/** Sums of the kernel's per-port counters that never go back, although the counters go with their Services. */

export class Totals {
  #sum = 0
  #last: ReadonlyMap<string, number> = new Map()

  /** Connections seen by all readings so far. */
  get sum(): number {
    return this.#sum
  }

  /** Takes a reading in; `counts` says which ports belong to this sum. */
  add(reading: ReadonlyMap<string, number>, counts: (id: string) => boolean): void {
    for (const [id, value] of reading) {
      if (!counts(id)) continue
      const last = this.#last.get(id) ?? 0
      // why: a counter that went back was made anew, with its table or its Service
      this.#sum += value >= last ? value - last : value
    }
    this.#last = reading
  }
}
