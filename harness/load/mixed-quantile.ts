/** What is known of one of several sets of samples: its size, and some of its quantiles. */
export interface KnownQuantiles {
  readonly count: number
  /** Share of the samples and the value that they do not exceed; from the smallest (0) to the largest (1). */
  readonly quantiles: readonly (readonly [share: number, value: number])[]
}

/** Halvings of the range: more than a double can tell apart. */
const halvings = 60

/**
 * A quantile of all samples together, where each set is known by its quantiles alone: between two neighbours its
 * samples are taken to lie evenly. Undefined where there are no samples.
 */
export function mixedQuantile(share: number, sets: readonly KnownQuantiles[]): number | undefined {
  const total = sets.reduce((sum, { count }) => sum + count, 0)
  const values = sets.flatMap(({ quantiles }) => quantiles.map(([, value]) => value))
  if (total === 0 || values.length === 0) return undefined
  let low = Math.min(...values)
  let high = Math.max(...values)
  for (let left = halvings; left > 0; left -= 1) {
    const middle = (low + high) / 2
    const below = sets.reduce((sum, set) => sum + set.count * shareBelow(middle, set), 0)
    if (below < share * total) low = middle
    else high = middle
  }
  return high
}

/** The share of a set's samples that do not exceed a value. */
function shareBelow(value: number, { quantiles }: KnownQuantiles): number {
  let [lastShare, lastValue] = [0, -Infinity]
  for (const [share, at] of quantiles.toSorted(([a], [b]) => a - b)) {
    if (at > value) {
      const part = lastValue === -Infinity ? 0 : (value - lastValue) / (at - lastValue)
      return lastShare + part * (share - lastShare)
    }
    ;[lastShare, lastValue] = [share, at]
  }
  return 1
}
