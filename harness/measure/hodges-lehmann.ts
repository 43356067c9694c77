import { median } from './quantile.ts'
import { signDistribution } from './wilcoxon.ts'

/** Means of all pairs of values, each value with itself too, sorted. */
function walshAverages(values: readonly number[]): readonly number[] {
  const averages: number[] = []
  values.forEach((a, index) => {
    for (const b of values.slice(index)) averages.push((a + b) / 2)
  })
  return averages.sort((a, b) => a - b)
}

/** Hodges-Lehmann estimate of the centre: the median of the Walsh averages. */
export function hodgesLehmann(values: readonly number[]): number {
  return median(walshAverages(values))
}

/** An interval and how sure it is. */
export interface ExactInterval {
  readonly interval: readonly [number, number]
  /** Coverage, 0 to 1: at least what was wanted, or the most that so few values can give. */
  readonly confidence: number
}

/**
 * The exact confidence interval of the Hodges-Lehmann estimate, by inversion of the signed-rank distribution
 * (Hollander and Wolfe, section 3.3).
 * @param wantedConfidence - above 0, below 1
 * @returns undefined for fewer than two values
 */
export function hodgesLehmannInterval(
  values: readonly number[],
  wantedConfidence: number,
): ExactInterval | undefined {
  const n = values.length
  if (n < 2) return undefined
  if (!(wantedConfidence > 0 && wantedConfidence < 1))
    throw new RangeError(`wantedConfidence: got ${wantedConfidence}, want above 0 and below 1`)
  const averages = walshAverages(values)
  const ranks = Array.from({ length: n }, (_, index) => index + 1)
  const weights = signDistribution(ranks, averages.length)
  const tail = (1 - wantedConfidence) / 2
  // Of the averages, `cut` are left out at either end; P(W+ <= cut - 1) is the error at one end.
  let cut = 1
  let error = weights[0] ?? 0
  for (
    let next = error + (weights[1] ?? 0);
    next <= tail && cut < averages.length / 2;
    next += weights[cut] ?? 0
  ) {
    cut += 1
    error = next
  }
  const low = averages[cut - 1] ?? 0
  const high = averages[averages.length - cut] ?? 0
  return { interval: [low, high], confidence: 1 - 2 * error }
}
