import type { FoundChange } from '../model/history.ts'
import { median } from './quantile.ts'
import { randomStream } from './random.ts'

/** Fewer values have too few orders to be shuffled into: nothing could come out as significant. */
export const fewestValues = 8

/** Values on either side of a change, at least: one value alone is an outlier, not a level. */
const shortestSegment = 2

const shuffles = 999

interface Segment {
  readonly start: number
  /** Past its last value. */
  readonly end: number
}

export interface Candidate {
  /** First value after the change. */
  readonly index: number
  /** Energy distance between the values before and after, scaled: Q of Matteson and James. */
  readonly q: number
}

export interface ChangePointOptions {
  /** Chance of a false change in a series without any, above 0, below 1. */
  readonly alpha: number
  /** Of the shuffles. */
  readonly seed: number
}

/**
 * Where the level of a series changes: E-divisive (Matteson and James, A Nonparametric Approach for Multiple Change
 * Point Analysis of Multivariate Data, JASA 109, 2014), with alpha 1 and the permutation test of section 3.2. Apache
 * Otava and MongoDB's signal-processing-algorithms do the same. Advisory: it finds steps, it knows no causes.
 * @returns ascending; none for fewer than 8 values
 */
export function changePoints(
  values: readonly number[],
  { alpha, seed }: ChangePointOptions,
): readonly FoundChange[] {
  if (values.length < fewestValues) return []
  const random = randomStream(seed)
  const found: { index: number; p: number }[] = []
  for (;;) {
    const segments = segmentsOf(
      values.length,
      found.map(({ index }) => index),
    )
    const best = bestOf(values, segments)
    if (best === undefined) break
    const p = permutationP(values, segments, best.q, random)
    if (p > alpha) break
    found.push({ index: best.index, p })
    found.sort((a, b) => a.index - b.index)
  }
  const bounds = [0, ...found.map(({ index }) => index), values.length]
  return found.map(({ index, p }, at) => ({
    index,
    p,
    before: median(values.slice(bounds[at], index)),
    after: median(values.slice(index, bounds[at + 2])),
  }))
}

/**
 * The split of one segment that tells the two sides apart most, or undefined when it is too short to be split.
 * @param shortest - values on either side, at least
 */
export function candidate(
  values: readonly number[],
  { start, end }: Segment,
  shortest: number = shortestSegment,
): Candidate | undefined {
  const sum = distanceSums(values.slice(start, end))
  const n = end - start
  let best: Candidate | undefined
  for (let split = shortest; split <= n - shortest; split += 1)
    for (let stop = split + shortest; stop <= n; stop += 1) {
      const [left, right] = [split, stop - split]
      const between = sum(0, split, split, stop)
      const q =
        (2 / (left + right)) *
        (between -
          right * mean(sum(0, split, 0, split), left) -
          left * mean(sum(split, stop, split, stop), right))
      if (best === undefined || q > best.q) best = { index: start + split, q }
    }
  return best
}

/** Distances inside a side, each pair counted twice in the sum, over n - 1. */
function mean(doubled: number, n: number): number {
  return n < 2 ? 0 : doubled / 2 / (n - 1)
}

/** Sum of |x - y| over x of rows a to b and y of columns c to d, each in constant time. */
function distanceSums(
  values: readonly number[],
): (a: number, b: number, c: number, d: number) => number {
  const width = values.length + 1
  const sums = new Float64Array(width * width)
  const at = (row: number, column: number): number => sums[row * width + column] ?? 0
  values.forEach((x, row) => {
    values.forEach((y, column) => {
      sums[(row + 1) * width + column + 1] =
        Math.abs(x - y) + at(row, column + 1) + at(row + 1, column) - at(row, column)
    })
  })
  return (a, b, c, d) => at(b, d) - at(a, d) - at(b, c) + at(a, c)
}

function bestOf(values: readonly number[], segments: readonly Segment[]): Candidate | undefined {
  let best: Candidate | undefined
  for (const segment of segments) {
    const one = candidate(values, segment)
    if (one !== undefined && (best === undefined || one.q > best.q)) best = one
  }
  return best
}

/** How often shuffles inside the segments give a split as good. */
function permutationP(
  values: readonly number[],
  segments: readonly Segment[],
  q: number,
  random: () => number,
): number {
  let asGood = 0
  for (let shuffle = 0; shuffle < shuffles; shuffle += 1) {
    const shuffled = segments.flatMap(({ start, end }) =>
      shuffledOf(values.slice(start, end), random),
    )
    // why: sums of the same distances in another order may differ in the last digits
    if ((bestOf(shuffled, segments)?.q ?? 0) >= q - 1e-12 * Math.abs(q)) asGood += 1
  }
  return (asGood + 1) / (shuffles + 1)
}

/** Fisher and Yates. */
function shuffledOf(values: number[], random: () => number): readonly number[] {
  for (let last = values.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1))
    const kept = values[last] ?? 0
    values[last] = values[other] ?? 0
    values[other] = kept
  }
  return values
}

function segmentsOf(length: number, splits: readonly number[]): readonly Segment[] {
  const bounds = [0, ...splits, length]
  return splits
    .map((split, at): Segment => ({ start: bounds[at] ?? 0, end: split }))
    .concat({ start: splits.at(-1) ?? 0, end: length })
}
