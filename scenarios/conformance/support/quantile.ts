/**
 * The nearest-rank quantile: the smallest value that at least this share of all values does not exceed.
 * @param share - above 0, at most 1
 * @returns Infinity for no values: what was never measured was never quick
 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.ceil(sorted.length * share) - 1] ?? Infinity
}
