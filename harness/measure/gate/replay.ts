import type { CorpusComparison, CorpusSession, Replayed } from '../../model/gate-corpus.ts'
import type { GateVerdict, LookVerdict } from '../../model/gate.ts'
import { worsening } from '../../model/gate-pairs.ts'
import { lookAt } from './rule.ts'

/** Judges the pairs of a session that ran before by the gate's own rule, look by look, family by family. */
export function replay(session: CorpusSession): readonly Replayed[] {
  const families = new Map<string, CorpusComparison[]>()
  for (const comparison of session.comparisons) {
    const family = families.get(comparison.family)
    if (family === undefined) families.set(comparison.family, [comparison])
    else family.push(comparison)
  }
  return [...families.values()].flatMap((family) => replayFamily(session, family))
}

function replayFamily(
  session: CorpusSession,
  family: readonly CorpusComparison[],
): readonly Replayed[] {
  const { rule } = session
  let verdicts: readonly LookVerdict[] | undefined
  for (const [look, { pairs: until }] of rule.looks.entries())
    verdicts = lookAt(
      family.map(({ margin, better, pairs }) => ({
        margin: Math.log1p(margin),
        worse: worsening(
          pairs.filter(([pair]) => pair < until),
          better,
        ),
      })),
      { rule, look, ...(verdicts !== undefined && { earlier: verdicts }) },
    )
  return family.flatMap((comparison, index) => {
    const look = verdicts?.[index]
    return look === undefined
      ? []
      : [{ session, comparison, verdict: verdictOf(session, look), look }]
  })
}

function verdictOf({ rule }: CorpusSession, seen: LookVerdict): GateVerdict {
  if (seen.verdict === 'regressed') return 'regressed'
  if (!rule.looks.some(({ pairs }) => pairs <= seen.pairs)) return 'invalid'
  return seen.verdict === 'undecided' ? 'inconclusive' : seen.improved ? 'improved' : 'ok'
}
