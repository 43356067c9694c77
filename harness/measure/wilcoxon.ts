/** Result of a Wilcoxon signed-rank test. */
export interface SignedRank {
  /** Sum of the ranks of positive differences; zeros are left out, ties have mid-ranks. */
  readonly wPlus: number
  /** Differences that are not zero. */
  readonly n: number
  /** Probability of a sum at least this large, if the differences were symmetric around zero. */
  readonly pGreater: number
  /** Probability of a sum at most this small. */
  readonly pLess: number
  /** Twice the smaller of both, at most 1. */
  readonly pTwoSided: number
}

/**
 * The exact Wilcoxon signed-rank test: the distribution over all 2^n signs, with mid-ranks for ties, no normal
 * approximation. Zeros are dropped (Wilcoxon's own way). For up to about a thousand differences.
 */
export function signedRank(differences: readonly number[]): SignedRank {
  const values = differences.filter((value) => value !== 0)
  const ranks = doubledMidRanks(values.map(Math.abs))
  const total = ranks.reduce((sum, rank) => sum + rank, 0)
  const observed = ranks.reduce(
    (sum, rank, index) => sum + ((values[index] ?? 0) > 0 ? rank : 0),
    0,
  )
  const weights = signDistribution(ranks, total)
  const sum = (from: number, to: number): number => {
    let part = 0
    for (let at = from; at <= to; at += 1) part += weights[at] ?? 0
    return part
  }
  const pGreater = Math.min(1, sum(observed, total))
  const pLess = Math.min(1, sum(0, observed))
  return {
    wPlus: observed / 2,
    n: values.length,
    pGreater,
    pLess,
    pTwoSided: Math.min(1, 2 * Math.min(pGreater, pLess)),
  }
}

/** Mid-ranks times two, so that they are whole numbers. */
function doubledMidRanks(values: readonly number[]): readonly number[] {
  const order = values.map((_, index) => index).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0))
  const ranks = new Array<number>(values.length).fill(0)
  for (let start = 0; start < order.length;) {
    let end = start
    while (end + 1 < order.length && values[order[end + 1] ?? 0] === values[order[start] ?? 0])
      end += 1
    for (let at = start; at <= end; at += 1) ranks[order[at] ?? 0] = start + end + 2
    start = end + 1
  }
  return ranks
}

/** Probability of each possible sum of (doubled) positive ranks when every sign is a fair coin. */
export function signDistribution(ranks: readonly number[], total: number): Float64Array {
  const weights = new Float64Array(total + 1)
  weights[0] = 1
  let reached = 0
  for (const rank of ranks) {
    reached += rank
    for (let at = reached; at >= 0; at -= 1)
      weights[at] = ((weights[at] ?? 0) + (at >= rank ? (weights[at - rank] ?? 0) : 0)) / 2
  }
  return weights
}
