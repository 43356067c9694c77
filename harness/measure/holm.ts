/**
 * Holm's step-down adjustment of p values, in the order in which they were given (Holm 1979, "A simple sequentially
 * rejective multiple test procedure"): the family's error stays below alpha when each adjusted p is compared with alpha.
 */
export function holm(p: readonly number[]): readonly number[] {
  const order = p.map((_, index) => index).sort((a, b) => (p[a] ?? 0) - (p[b] ?? 0))
  const adjusted = new Array<number>(p.length).fill(1)
  let largest = 0
  order.forEach((index, rank) => {
    largest = Math.max(largest, Math.min(1, (p.length - rank) * (p[index] ?? 1)))
    adjusted[index] = largest
  })
  return adjusted
}
