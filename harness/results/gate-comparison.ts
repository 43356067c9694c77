import type { Comparison, ComparisonGate, RowChange } from '../model/comparison.ts'
import { UsageError } from '../model/errors.ts'

/**
 * What a comparison comes to as a gate: conformance that got worse, and performance only by the verdict of a session
 * with pairs that a file itself holds. Numbers of two sessions never gate.
 * @throws UsageError when A and B test different things, or nothing in them can be gated
 */
export function gateComparison(
  comparison: Comparison,
  { strict }: { readonly strict: boolean },
): ComparisonGate {
  refuseOthers(comparison)
  const found = [...conformance(comparison), ...performance(comparison)]
  const order = [1, 2, 3, ...(strict ? ([4] as const) : [])] as const
  for (const exitCode of order) {
    const reasons = found.filter((one) => one.exitCode === exitCode).map(({ reason }) => reason)
    if (reasons.length > 0) return { exitCode, reasons }
  }
  const left = strict ? found.filter((one) => one.exitCode === 'strict') : []
  return left.length > 0
    ? { exitCode: 3, reasons: left.map(({ reason }) => reason) }
    : { exitCode: 0, reasons: [] }
}

interface Reason {
  /** `strict`: 3 with --strict, else nothing. */
  readonly exitCode: 1 | 2 | 3 | 4 | 'strict'
  readonly reason: string
}

function refuseOthers({ a, b, conformance: rows, sessions }: Comparison): void {
  const [before, after] = [a.implementation, b.implementation]
  if (before.organization !== after.organization || before.project !== after.project)
    throw new UsageError(
      `--gate: A tests ${before.project}, B tests ${after.project}: what one passes and the other does not is no regression`,
      [],
      { hint: 'name two results of the same implementation, or leave out --gate' },
    )
  if (rows === undefined && !sessions.some(({ decides }) => decides))
    throw new UsageError(
      '--gate: neither file holds a conformance result, and B holds no session with pairs against A: nothing can be gated',
      [],
      {
        hint: 'run `meshmark conform` for both; performance is gated by `meshmark bench --vs BASELINE --gate`, in one session',
      },
    )
}

function conformance({ conformance: rows }: Comparison): readonly Reason[] {
  if (rows === undefined) return []
  if (rows.a === undefined || rows.b === undefined)
    return [
      { exitCode: 3, reason: `${rows.a === undefined ? 'A' : 'B'} holds no conformance result` },
    ]
  return rows.changes.flatMap(rowReason)
}

function rowReason(row: RowChange): readonly Reason[] {
  const { id, level, kind, a = 'none', b = 'none', reason } = row
  if (kind === 'newly-failing') {
    if (b === 'knownIssue') return []
    const told = `${id} (${level}) passed in A, ${b === 'flaky' ? 'is flaky' : 'fails'} in B`
    return level === 'MUST'
      ? [{ exitCode: 1, reason: told }]
      : level === 'SHOULD'
        ? [{ exitCode: 4, reason: told }]
        : []
  }
  const isHole = kind === 'not-judged' || kind === 'vanished'
  if (!isHole || level !== 'MUST' || a !== 'passed') return []
  const why = reason === undefined ? '' : `: ${reason}`
  return [
    {
      exitCode: 3,
      reason: `${id} (MUST) passed in A and has no verdict in B (${b})${why}`,
    },
  ]
}

function performance({ sessions }: Comparison): readonly Reason[] {
  return sessions
    .filter(({ decides }) => decides)
    .flatMap(({ verdict, reasons }): readonly Reason[] => {
      const told = (exitCode: Reason['exitCode'], otherwise: string): readonly Reason[] =>
        (reasons.length > 0 ? reasons : [otherwise]).map((reason) => ({ exitCode, reason }))
      switch (verdict) {
        case 'regressed':
          return told(1, 'performance got worse')
        case 'invalid':
          return told(2, 'the session of B is not valid')
        case 'inconclusive':
          return told('strict', 'the session of B is undecided')
        case 'ok':
        case 'improved':
          return []
      }
    })
}
