import { hodgesLehmann, hodgesLehmannInterval } from '../hodges-lehmann.ts'
import { holm } from '../holm.ts'
import { signedRank } from '../wilcoxon.ts'
import { smallestDetectable } from './detectable.ts'

/** One look at the pairs of a session. */
export interface Look {
  /** Complete pairs. */
  readonly pairs: number
  /** Part of the rule's chances that this look may use up; all parts together are 1. */
  readonly share: number
}

/** When a session looks at its pairs, and how sure it has to be; declared before the first trial. */
export interface GateRule {
  /** When the session looks, ascending; at the last look it ends. */
  readonly looks: readonly Look[]
  /** Chance of one false `regressed` or more among all gated metrics of a session, over all looks; above 0, below 1. */
  readonly familyAlpha: number
  /** Chance of a false `ok` for a metric whose true change is just its margin, over all looks; above 0, below 0.5. */
  readonly okError: number
}

/** The two rules of the command line (measurement.md 2.3): a pull request's, and a release's, which finds smaller changes. */
export const gateRules: Readonly<Record<'pr' | 'release', GateRule>> = {
  pr: {
    looks: [
      { pairs: 10, share: 0.5 },
      { pairs: 16, share: 0.5 },
    ],
    familyAlpha: 0.01,
    okError: 0.025,
  },
  // why: 12 pairs cannot reach a p below 0.00024, so a share of less than 0.2 would be wasted on them with 8 metrics
  release: {
    looks: [
      { pairs: 12, share: 0.2 },
      { pairs: 18, share: 0.2 },
      { pairs: 24, share: 0.6 },
    ],
    familyAlpha: 0.01,
    okError: 0.025,
  },
}

/** A gated metric as far as it was measured. */
export interface MetricSoFar {
  /** Smallest change that matters, as a natural logarithm: ln 1.05 for 5 %. Above 0. */
  readonly margin: number
  /** Per pair the logarithm of candidate over baseline, its sign turned so that positive is worse. */
  readonly worse: readonly number[]
}

/** What a look says of one metric. */
export interface LookVerdict {
  /**
   * `regressed`: significant after Holm's correction, and not smaller than the margin. `ok`: a change as large as the
   * margin is excluded. `undecided`: neither, which after the last look is inconclusive.
   */
  readonly verdict: 'regressed' | 'ok' | 'undecided'
  /** The interval lies wholly on the good side of zero; for display, it never gates. */
  readonly improved: boolean
  /** Pairs that it rests on. */
  readonly pairs: number
  /** Hodges-Lehmann estimate, a logarithm like the pairs. */
  readonly estimate: number
  /** Exact interval of the estimate, with its coverage; absent for fewer than two pairs. */
  readonly interval?: readonly [number, number]
  readonly confidence?: number
  /** One-sided exact signed-rank test against "not worse". */
  readonly p: number
  /** The same after Holm's correction over the gated metrics; compared with the look's share of familyAlpha. */
  readonly adjustedP: number
  /** Change that a session like this one finds four times of five, a logarithm; absent for fewer than two pairs. */
  readonly detectable?: number
}

/**
 * Looks at a session's pairs. Every look may err with its share of the rule's chances (Bonferroni over the looks), so
 * looking early costs no honesty. What an earlier look decided stays decided.
 * @param look - its number, from 0
 * @param earlier - what the look before said, in the same order; absent at the first
 */
export function lookAt(
  metrics: readonly MetricSoFar[],
  { rule, look, earlier = [] }: LookOptions,
): readonly LookVerdict[] {
  const share = rule.looks[look]?.share
  if (share === undefined)
    throw new RangeError(`look: got ${look}, want 0 to ${rule.looks.length - 1}`)
  const alpha = rule.familyAlpha * share
  const confidence = 1 - 2 * rule.okError * share
  const p = metrics.map(({ worse }, index) => decided(earlier[index])?.p ?? pOf(worse))
  // why: what is known to be ok is no candidate any more, but stays in the family, which was declared beforehand
  const adjusted = holm(p.map((one, index) => (earlier[index]?.verdict === 'ok' ? 1 : one)))
  return metrics.map(({ margin, worse }, index) => {
    const known = decided(earlier[index])
    if (known !== undefined) return known
    const estimate = worse.length === 0 ? NaN : hodgesLehmann(worse)
    const bounds = hodgesLehmannInterval(worse, confidence)
    const isSure = bounds !== undefined && bounds.confidence >= confidence
    const adjustedP = adjusted[index] ?? 1
    const detectable = smallestDetectable(worse, alpha / metrics.length)
    return {
      verdict:
        adjustedP <= alpha && estimate >= margin
          ? 'regressed'
          : isSure && bounds.interval[1] < margin
            ? 'ok'
            : 'undecided',
      improved: isSure && bounds.interval[1] < 0,
      pairs: worse.length,
      estimate,
      ...bounds,
      p: p[index] ?? 1,
      adjustedP,
      ...(detectable !== undefined && { detectable }),
    }
  })
}

export interface LookOptions {
  readonly rule: GateRule
  readonly look: number
  readonly earlier?: readonly LookVerdict[]
}

function decided(verdict: LookVerdict | undefined): LookVerdict | undefined {
  return verdict === undefined || verdict.verdict === 'undecided' ? undefined : verdict
}

function pOf(worse: readonly number[]): number {
  // why: no pair says nothing; a test of nothing would say the same
  return worse.length === 0 ? 1 : signedRank(worse).pGreater
}
