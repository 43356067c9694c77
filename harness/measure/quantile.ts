/** The middle value, or the mean of the two in the middle. @throws RangeError when there is none */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/**
 * Quantile by linear interpolation between order statistics (Hyndman and Fan's type 7, the default of R and NumPy).
 * @param q - 0 to 1
 */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new RangeError('a quantile of no values does not exist')
  if (!(q >= 0 && q <= 1)) throw new RangeError(`q: got ${q}, want 0 to 1`)
  const sorted = [...values].sort((a, b) => a - b)
  const at = (sorted.length - 1) * q
  const low = sorted[Math.floor(at)] ?? 0
  const high = sorted[Math.ceil(at)] ?? low
  return low + (high - low) * (at - Math.floor(at))
}
