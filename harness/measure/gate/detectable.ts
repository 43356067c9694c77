import { randomStream } from '../random.ts'
import { signedRank } from '../wilcoxon.ts'
import { normal } from './normal.ts'

/**
 * The change that a session with these pairs would have found four times of five: the standard deviation of the pairs
 * times a factor of their number and of alpha (measurement.md 2.5).
 * @param alpha - one-sided, above 0, below 1
 * @returns a logarithm like the pairs; undefined for fewer than two pairs; Infinity where so few pairs can show nothing
 */
export function smallestDetectable(pairs: readonly number[], alpha: number): number | undefined {
  if (pairs.length < 2) return undefined
  return detectableFactor(pairs.length, alpha) * standardDeviation(pairs)
}

const known = new Map<string, number>()

/**
 * Shift, in standard deviations of a normal, that the exact one-sided signed-rank test of n pairs finds with 80 %
 * power; by simulation with a fixed seed, so equal arguments give equal factors. About 1.5 for 12 pairs and 0.8 for 24
 * at alpha 0.00125.
 */
export function detectableFactor(n: number, alpha: number): number {
  if (2 ** -n > alpha) return Infinity
  const key = `${n}/${alpha}`
  const before = known.get(key)
  if (before !== undefined) return before
  const random = randomStream(n)
  const draws = Array.from({ length: simulations }, () =>
    Array.from({ length: n }, () => normal(random)),
  )
  const power = (shift: number): number =>
    draws.filter((one) => signedRank(one.map((value) => value + shift)).pGreater <= alpha).length /
    simulations
  let [low, high] = [0, 8]
  while (high - low > 0.02) {
    const middle = (low + high) / 2
    if (power(middle) >= wantedPower) high = middle
    else low = middle
  }
  known.set(key, high)
  return high
}

const simulations = 1_000
const wantedPower = 0.8

function standardDeviation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return Math.sqrt(squares / (values.length - 1))
}
