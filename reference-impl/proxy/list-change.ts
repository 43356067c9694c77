/**
 * Long lists of objects that hardly change from one to the next. Nothing here looks into an object that stayed: to touch
 * each of 10 000 Services in memory takes longer than everything else that a change needs.
 */

export interface ListChange<T> {
  readonly gone: ReadonlySet<T>
  readonly added: ReadonlySet<T>
}

/**
 * Which objects only one of two lists has; quick where the others stand in the same order.
 * @param onKept - told of objects at the same place in the order, with their positions before and after
 */
export function listChange<T extends object>(
  before: readonly T[],
  after: readonly T[],
  onKept: (from: number, to: number) => void = () => undefined,
): ListChange<T> {
  const gone = new Set<T>()
  const added = new Set<T>()
  let [from, to] = [0, 0]
  for (;;) {
    const [old, now] = [before[from], after[to]]
    if (old === undefined && now === undefined) break
    if (old === now) onKept(from, to)
    else if (old !== undefined && (now === undefined || before[from + 1] === now)) {
      gone.add(old)
      from += 1
      continue
    } else if (now !== undefined && (old === undefined || after[to + 1] === old)) {
      added.add(now)
      to += 1
      continue
    } else {
      if (old !== undefined) gone.add(old)
      if (now !== undefined) added.add(now)
    }
    from += 1
    to += 1
  }
  for (const one of added) {
    // why: it stands elsewhere in the order, and is the same
    if (!gone.delete(one)) continue
    added.delete(one)
  }
  return { gone, added }
}

/** What few of many objects have, kept while the list of all is replaced again and again. */
export class Few<T extends object, V> {
  readonly #find: (one: T) => V | undefined
  readonly #found = new Map<T, V>()
  #all: readonly T[] = []

  /** @param find - what an object has, always the same for the same object; undefined: nothing */
  constructor(find: (one: T) => V | undefined) {
    this.#find = find
  }

  get values(): readonly V[] {
    return [...this.#found.values()]
  }

  /** @returns whether there are other values now */
  follow(all: readonly T[]): boolean {
    const { gone, added } = listChange(this.#all, all)
    this.#all = all
    let isChanged = false
    for (const one of gone) if (this.#found.delete(one)) isChanged = true
    for (const one of added) {
      const value = this.#find(one)
      if (value === undefined) continue
      this.#found.set(one, value)
      isChanged = true
    }
    return isChanged
  }
}
