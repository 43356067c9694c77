/** `1.234 ms`, of microseconds: as many digits as matter. */
export function milliseconds(us: number): string {
  const ms = us / 1_000
  return `${ms.toFixed(Math.abs(ms) < 10 ? 3 : 1)} ms`
}

/** `12 300/s`, three digits. */
export function perSecond(rate: number): string {
  if (!Number.isFinite(rate) || rate === 0) return `${rate}/s`
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(rate)) - 2)
  return `${(Math.round(rate / unit) * unit).toLocaleString('en').replaceAll(',', ' ')}/s`
}

/** `0.85x (0.80 to 0.91)`. */
export function times(ratios: readonly number[], middle: number): string {
  return `${middle.toFixed(2)}x (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`
}
