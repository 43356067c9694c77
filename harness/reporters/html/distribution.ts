import { ascending, bisector } from 'd3-array'
import { decodeFromCompressedBase64, JsHistogram } from 'hdr-histogram-js'
import type { BenchTrial } from '../../model/run-result.ts'

/** Response times as steps of a staircase: `cumulative` samples took `valueUs` or less. */
export interface Distribution {
  readonly count: number
  readonly steps: readonly { readonly valueUs: number; readonly cumulative: number }[]
}

/** A quantile is shown only where at least this many samples lie beyond it (measurement.md 2.2). */
export const samplesBeyond = 50

/** The trial's histogram; undefined where it has none or one that cannot be decoded. */
export function distributionOf(trial: BenchTrial): Distribution | undefined {
  if (trial.histogram === undefined) return undefined
  try {
    const histogram = decodeFromCompressedBase64(trial.histogram, 32, false)
    if (!(histogram instanceof JsHistogram)) return undefined
    const counts = new Map<number, number>()
    for (let index = 0; index < histogram.countsArrayLength; index += 1) {
      const count = histogram.getCountAtIndex(index)
      if (count > 0)
        counts.set(histogram.highestEquivalentValue(histogram.valueFromIndex(index)), count)
    }
    return staircase(counts)
  } catch {
    return undefined
  }
}

/** All samples of several trials together: for pictures, never for inference. */
export function merged(distributions: readonly Distribution[]): Distribution | undefined {
  const counts = new Map<number, number>()
  for (const { steps } of distributions)
    steps.forEach(({ valueUs, cumulative }, at) => {
      const own = cumulative - (steps[at - 1]?.cumulative ?? 0)
      counts.set(valueUs, (counts.get(valueUs) ?? 0) + own)
    })
  return staircase(counts)
}

function staircase(counts: ReadonlyMap<number, number>): Distribution | undefined {
  let cumulative = 0
  const steps = [...counts]
    .sort(([a], [b]) => ascending(a, b))
    .map(([valueUs, count]) => ({ valueUs, cumulative: (cumulative += count) }))
  return cumulative === 0 ? undefined : { count: cumulative, steps }
}

const byCumulative = bisector((step: Distribution['steps'][number]) => step.cumulative)

/** The value that `share` of all samples do not exceed; ranks are rounded as HdrHistogram does. */
export function valueAt({ count, steps }: Distribution, share: number): number {
  const rank = Math.max(1, Math.ceil(share * count - 1e-6))
  return (steps[byCumulative.left(steps, rank)] ?? steps.at(-1))?.valueUs ?? 0
}

/** The highest share that has enough samples beyond it; 0 when there is none. */
export function highestShare({ count }: Distribution): number {
  return Math.max(0, 1 - samplesBeyond / count)
}

/** The value, or undefined where too few samples lie beyond. */
export function quantileUs(distribution: Distribution, share: number): number | undefined {
  // why: 1 - 50 / 5000 is 0.99 only up to rounding
  return share <= highestShare(distribution) + 1e-9 ? valueAt(distribution, share) : undefined
}
