import type { GateRule, LookOptions, LookVerdict, MetricSoFar } from '../../model/gate.ts'
import { hodgesLehmann, hodgesLehmannInterval } from '../hodges-lehmann.ts'
import { holm } from '../holm.ts'
import { signedRank } from '../wilcoxon.ts'
import { smallestDetectable } from './detectable.ts'

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

/**
 * Looks at a session's pairs. Every look may err with its share of the rule's chances (Bonferroni over the looks), so
 * looking early costs no honesty. What an earlier look decided stays decided.
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

function decided(verdict: LookVerdict | undefined): LookVerdict | undefined {
  return verdict === undefined || verdict.verdict === 'undecided' ? undefined : verdict
}

function pOf(worse: readonly number[]): number {
  // why: no pair says nothing; a test of nothing would say the same
  return worse.length === 0 ? 1 : signedRank(worse).pGreater
}
