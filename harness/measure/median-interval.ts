import type { ExactInterval } from './hodges-lehmann.ts'

/**
 * Exact interval of the median between two order statistics: the sign test inverted (David and Nagaraja, Order
 * Statistics, 3rd edition, section 7.1). Assumes nothing but that the values are independent.
 * @param wantedConfidence - above 0, below 1; with too few values the interval is all of them, with what that gives
 * @returns undefined for fewer than two values
 */
export function medianInterval(
  values: readonly number[],
  wantedConfidence: number,
): ExactInterval | undefined {
  const n = values.length
  if (n < 2) return undefined
  if (!(wantedConfidence > 0 && wantedConfidence < 1))
    throw new RangeError(`wantedConfidence: got ${wantedConfidence}, want above 0 and below 1`)
  const sorted = [...values].sort((a, b) => a - b)
  const tail = (1 - wantedConfidence) / 2
  let cut = 1
  while (cut < n / 2 && binomialTail(n, cut) <= tail) cut += 1
  const low = sorted[cut - 1] ?? 0
  const high = sorted[n - cut] ?? 0
  return { interval: [low, high], confidence: 1 - 2 * binomialTail(n, cut - 1) }
}

/** P(X <= k) for X of n fair coin flips. */
function binomialTail(n: number, k: number): number {
  let term = 0.5 ** n
  let sum = 0
  for (let successes = 0; successes <= k; successes += 1) {
    sum += term
    term *= (n - successes) / (successes + 1)
  }
  return sum
}
