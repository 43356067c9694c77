/** A list that forgets its oldest entries instead of growing without end. */
export interface Ring<T> {
  /** @param bytes - what the entry may come to keep in memory */
  add(entry: T, bytes: number): void
  readonly entries: readonly T[]
  /** How many were ever added. */
  readonly total: number
  /** How many were forgotten. */
  readonly dropped: number
  clear(): void
}

/** @param most - entries kept at most, in `mostBytes` bytes at most */
export function ring<T>(most: number, mostBytes: number): Ring<T> {
  let kept: { readonly entry: T; readonly bytes: number }[] = []
  let total = 0
  let held = 0
  return {
    add: (entry, bytes) => {
      total += 1
      held += bytes
      kept.push({ entry, bytes })
      while (kept.length > most || (held > mostBytes && kept.length > 1))
        held -= kept.shift()?.bytes ?? 0
    },
    get entries() {
      return kept.map(({ entry }) => entry)
    },
    get total() {
      return total
    },
    get dropped() {
      return total - kept.length
    },
    clear: () => {
      kept = []
      total = 0
      held = 0
    },
  }
}
