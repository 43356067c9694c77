import type { CorpusSession, Replayed } from '../model/gate-corpus.ts'
import type { GateVerdict } from '../model/gate.ts'
import { percent } from '../reporters/format.ts'

/** Verdicts of comparisons in which the same was changed, by as much. */
export interface CorpusGroup {
  /** `nothing differs`, or the metric and how much worse it was made. */
  readonly title: string
  readonly verdicts: Readonly<Record<GateVerdict, number>>
  /** Relative change that the inconclusive ones would find four times of five; the smallest and the largest. */
  readonly detectable?: readonly [number, number]
}

export interface CorpusJudgement {
  readonly groups: readonly CorpusGroup[]
  /** Verdicts that are wrong, and those that came out otherwise than their session said. */
  readonly faults: readonly string[]
  /** Comparisons of which nobody knows what differed. */
  readonly unknown: number
}

/** Holds verdicts against what was truly different. */
export function judgeCorpus(found: readonly Replayed[]): CorpusJudgement {
  const known = found.filter(({ comparison }) => comparison.injected !== undefined)
  const groups = new Map<string, Replayed[]>()
  for (const one of known) {
    const title = titleOf(one)
    const group = groups.get(title)
    if (group === undefined) groups.set(title, [one])
    else group.push(one)
  }
  return {
    groups: [...groups].map(([title, own]) => groupOf(title, own)),
    faults: found.flatMap(faultsOf),
    unknown: found.length - known.length,
  }
}

function titleOf({ comparison: { injected = 0, id } }: Replayed): string {
  return injected === 0 ? 'nothing differs' : `${id} made ${told(injected)} worse`
}

function groupOf(title: string, own: readonly Replayed[]): CorpusGroup {
  const count = (verdict: GateVerdict): number =>
    own.filter((one) => one.verdict === verdict).length
  const detectable = own.flatMap(({ verdict, look }) =>
    verdict === 'inconclusive' && look.detectable !== undefined
      ? [Math.expm1(look.detectable)]
      : [],
  )
  return {
    title,
    verdicts: {
      regressed: count('regressed'),
      ok: count('ok'),
      improved: count('improved'),
      inconclusive: count('inconclusive'),
      invalid: count('invalid'),
    },
    ...(detectable.length > 0 && {
      detectable: [Math.min(...detectable), Math.max(...detectable)] as const,
    }),
  }
}

function faultsOf({ session, comparison, verdict }: Replayed): readonly string[] {
  const { id, family, injected, margin, said } = comparison
  const name = `${session.runId} ${id} (${family})`
  const faults: string[] = []
  if (injected === 0 && verdict === 'regressed')
    faults.push(`${name}: called regressed, nothing differs`)
  if (injected !== undefined && injected > margin && (verdict === 'ok' || verdict === 'improved'))
    faults.push(`${name}: called ${verdict}, it was made ${told(injected)} worse`)
  // why: a session calls a question that broke off invalid, whatever its pairs would say
  if (said !== undefined && said !== 'invalid' && said !== verdict)
    faults.push(`${name}: the session said ${said}, its pairs say ${verdict}`)
  return faults
}

/** What `bench replay` prints. */
export function corpusSummary(
  sessions: readonly CorpusSession[],
  { groups, faults, unknown }: CorpusJudgement,
): string {
  const machines = new Set(sessions.map(({ machine }) => machine.id)).size
  const days = sessions.map(({ startedAt }) => startedAt.slice(0, 10)).toSorted()
  const lines = [
    `${sessions.length} sessions on ${machines} ${machines === 1 ? 'kind of machine' : 'kinds of machines'}, ${[...new Set([days[0], days.at(-1)])].join(' to ')}`,
  ]
  for (const { title, verdicts, detectable } of groups) {
    const total = Object.values(verdicts).reduce((sum, one) => sum + one, 0)
    const counts = Object.entries(verdicts)
      .filter(([verdict, count]) => count > 0 || verdict === 'regressed' || verdict === 'ok')
      .map(([verdict, count]) => `${count} ${verdict}`)
    lines.push(`${title}: ${total} verdicts: ${counts.join(', ')}`)
    if (detectable !== undefined)
      lines.push(
        `  the inconclusive ones find ${detectable.map(told).join(' to ')} four times of five`,
      )
  }
  if (unknown > 0) lines.push(`${unknown} comparisons of which it is not known what differs`)
  lines.push(...(faults.length === 0 ? ['no wrong verdict'] : faults.map((one) => `wrong: ${one}`)))
  return lines.join('\n')
}

function told(share: number): string {
  return percent(share, share < 0.1 ? 1 : 0)
}
