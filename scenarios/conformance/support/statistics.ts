import type { Statistic } from '../../../harness/api.ts'

/** Level of every statistic of the suite: a conformant target fails one of them with this probability at most. */
export const alpha = 0.001

/**
 * Pearson's chi-square test of equal shares.
 * @param counts - how often each backend answered, those that never did as 0; at least 2
 */
export function chiSquareEqual(counts: readonly number[]): Statistic {
  const n = counts.reduce((sum, count) => sum + count, 0)
  const expected = n / counts.length
  const statistic = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  return { test: 'chi2', n, statistic, p: chiSquareTail(statistic, counts.length - 1), alpha }
}

/**
 * Several tests as one: the smallest p, times their number (Bonferroni), with the statistic that it belongs to.
 * @throws RangeError for none
 */
export function worstOf(all: readonly Statistic[]): Statistic {
  const [first, ...others] = all
  if (first === undefined) throw new RangeError('worstOf: got no statistic')
  const worst = others.reduce((one, other) => (other.p < one.p ? other : one), first)
  return { ...worst, p: Math.min(1, worst.p * all.length) }
}

/** P(X > x) of the chi-square distribution: the regularised upper incomplete gamma function Q(df / 2, x / 2). */
export function chiSquareTail(x: number, degreesOfFreedom: number): number {
  if (!(x > 0)) return 1
  return upperGamma(degreesOfFreedom / 2, x / 2)
}

/**
 * Wald-Wolfowitz runs test for more than two kinds (normal approximation, Barton and David 1957): are the answers in an
 * order that chance gives? Few runs mean clumps, many mean a cycle. Two-sided.
 */
export function runsTest(order: readonly number[]): Statistic {
  const n = order.length
  const counts = new Map<number, number>()
  for (const one of order) counts.set(one, (counts.get(one) ?? 0) + 1)
  const runs = order.reduce((sum, one, at) => sum + (at === 0 || one !== order[at - 1] ? 1 : 0), 0)
  const [s2, s3] = [...counts.values()].reduce(
    ([two, three], count) => [two + count ** 2, three + count ** 3],
    [0, 0],
  )
  const mean = (n * (n + 1) - s2) / n
  const variance = (s2 * (s2 + n * (n + 1)) - 2 * n * s3 - n ** 3) / (n ** 2 * (n - 1))
  const z = variance > 0 ? (runs - mean) / Math.sqrt(variance) : 0
  return { test: 'runs', n, statistic: z, p: 2 * normalTail(Math.abs(z)), alpha }
}

/** P(Z > z) of the standard normal distribution. */
export function normalTail(z: number): number {
  return z <= 0 ? 1 - upperGamma(0.5, z ** 2 / 2) / 2 : upperGamma(0.5, z ** 2 / 2) / 2
}

/** Q(a, x): series below a + 1, continued fraction (Lentz) above; DLMF 8.7.1 and 8.9.2. */
function upperGamma(a: number, x: number): number {
  if (x <= 0) return 1
  const front = Math.exp(-x + a * Math.log(x) - logGamma(a))
  if (x < a + 1) {
    let term = 1 / a
    let sum = term
    for (let k = 1; Math.abs(term) > Math.abs(sum) * 1e-16; k += 1) {
      term *= x / (a + k)
      sum += term
    }
    return 1 - front * sum
  }
  const tiny = 1e-300
  let b = x + 1 - a
  let c = 1 / tiny
  let d = 1 / b
  let h = d
  for (let i = 1; i < 10_000; i += 1) {
    const an = -i * (i - a)
    b += 2
    d = an * d + b
    if (Math.abs(d) < tiny) d = tiny
    c = b + an / c
    if (Math.abs(c) < tiny) c = tiny
    d = 1 / d
    const delta = d * c
    h *= delta
    if (Math.abs(delta - 1) < 1e-15) break
  }
  return front * h
}

/** ln Gamma(x) for x > 0, Lanczos' approximation (g = 7, n = 9). */
function logGamma(x: number): number {
  const [first, ...rest] = [
    0.999_999_999_999_809_93, 676.520_368_121_885_1, -1259.139_216_722_402_8,
    771.323_428_777_653_13, -176.615_029_162_140_59, 12.507_343_278_686_905,
    -0.138_571_095_265_720_12, 9.984_369_578_019_571_6e-6, 1.505_632_735_149_311_6e-7,
  ] as const
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x)
  const shifted = x - 1
  const sum = rest.reduce<number>(
    (total, coefficient, k) => total + coefficient / (shifted + k + 1),
    first,
  )
  const t = shifted + 7.5
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(t) - t + Math.log(sum)
}
