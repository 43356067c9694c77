/** How many requests have no answer yet, and how many had none on average, sampled by a clock of its own. */
export interface InFlight {
  readonly now: number
  change(by: 1 | -1): void
  begin(): void
  end(): void
  readonly found: InFlightMean
}

export interface InFlightMean {
  readonly mean: number
  /** Standard error of the mean, from the means of ten batches. */
  readonly standardError: number
}

const sampleEveryMs = 5
const batches = 10

export function inFlightMeter(): InFlight {
  let now = 0
  let timer: NodeJS.Timeout | undefined
  let lastMs = 0
  let samples: { readonly count: number; readonly forMs: number }[] = []
  const sample = (): void => {
    const atMs = performance.now()
    // why: after a stall one sample stands for all that were missed
    samples.push({ count: now, forMs: atMs - lastMs })
    lastMs = atMs
  }
  return {
    get now() {
      return now
    },
    change: (by) => {
      now += by
    },
    begin: () => {
      samples = []
      lastMs = performance.now()
      timer = setInterval(sample, sampleEveryMs)
    },
    end: () => {
      clearInterval(timer)
    },
    get found() {
      return meanOf(samples)
    },
  }
}

function meanOf(
  samples: readonly { readonly count: number; readonly forMs: number }[],
): InFlightMean {
  const mean = weightedMean(samples)
  const size = Math.ceil(samples.length / batches)
  if (size < 2) return { mean, standardError: mean }
  const means = Array.from({ length: Math.ceil(samples.length / size) }, (_, index) =>
    weightedMean(samples.slice(index * size, (index + 1) * size)),
  )
  const spread = means.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (means.length - 1)
  return { mean, standardError: Math.sqrt(spread / means.length) }
}

function weightedMean(
  samples: readonly { readonly count: number; readonly forMs: number }[],
): number {
  let sum = 0
  let totalMs = 0
  for (const { count, forMs } of samples) {
    sum += count * forMs
    totalMs += forMs
  }
  return totalMs === 0 ? 0 : sum / totalMs
}
