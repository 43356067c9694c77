import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram,
} from 'hdr-histogram-js'
import type { HistogramSummary } from '../model/load.ts'

/** Longest time that is told apart: what takes longer counts as a minute. */
const longestUs = 60_000_000

/** Samples beyond a quantile without which it is not reported. */
const neededBeyond = 50

/** Counts times in whole microseconds, three significant digits. */
export interface Recorder {
  /** @param us - rounded to whole microseconds; 0 counts as 1 */
  record(us: number): void
  readonly count: number
  summary(): HistogramSummary
}

export function recorder(): Recorder {
  const histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: longestUs,
    numberOfSignificantValueDigits: 3,
    useWebAssembly: false,
  })
  let count = 0
  return {
    record: (us) => {
      // why: HdrHistogramJS floors what is not whole
      histogram.recordValue(Math.min(longestUs, Math.max(1, Math.round(us))))
      count += 1
    },
    get count() {
      return count
    },
    summary: () => summarize(histogram),
  }
}

export function summarize(histogram: Histogram): HistogramSummary {
  const { totalCount } = histogram
  const quantiles = [
    ['p50Us', 50],
    ['p90Us', 90],
    ['p99Us', 99],
    ['p999Us', 99.9],
  ] as const
  const told = quantiles.filter(
    ([, percent]) => totalCount * (1 - percent / 100) >= neededBeyond - 1e-6,
  )
  return {
    count: totalCount,
    minUs: totalCount === 0 ? 0 : histogram.minNonZeroValue,
    meanUs: totalCount === 0 ? 0 : histogram.mean,
    maxUs: histogram.maxValue,
    ...Object.fromEntries(
      told.map(([name, percent]) => [name, histogram.getValueAtPercentile(percent)]),
    ),
    encoded: totalCount === 0 ? '' : encodeIntoCompressedBase64(histogram),
  }
}

/** A quantile with whatever is beyond it, microseconds; NaN of no samples. */
export function quantileUs(
  { encoded }: Pick<HistogramSummary, 'encoded'>,
  percent: number,
): number {
  return encoded === '' ? NaN : decodeFromCompressedBase64(encoded).getValueAtPercentile(percent)
}

/** Puts encoded histograms together; undefined when there is nothing in them. */
export function merge(encoded: readonly string[]): HistogramSummary | undefined {
  const [first, ...rest] = encoded
    .filter((text) => text !== '')
    .map((text) => decodeFromCompressedBase64(text))
  if (first === undefined) return undefined
  for (const one of rest) first.add(one)
  return summarize(first)
}
