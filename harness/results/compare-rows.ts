import type {
  ConformanceComparison,
  ConformanceCount,
  RowChange,
  RowChangeKind,
} from '../model/comparison.ts'
import type { ConformanceResult, TestResult, TestStatus } from '../model/conformance.ts'

/** Two conformance results row by row. */
export function compareRows(
  a: ConformanceResult | undefined,
  b: ConformanceResult | undefined,
): ConformanceComparison | undefined {
  if (a === undefined || b === undefined) {
    if (a === undefined && b === undefined) return undefined
    return {
      ...(a !== undefined && { a: counted(a) }),
      ...(b !== undefined && { b: counted(b) }),
      changes: [],
      unchanged: 0,
    }
  }
  const before = byId(a.tests)
  const after = byId(b.tests)
  const ids = [...new Set([...before.keys(), ...after.keys()])]
  const changes = ids.flatMap((id) => {
    const [was, is] = [before.get(id), after.get(id)]
    return was === undefined && is === undefined ? [] : change(was, is, { a, b })
  })
  return { a: counted(a), b: counted(b), changes, unchanged: ids.length - changes.length }
}

/** A MUST row with one of these is not met. */
const notMet: readonly TestStatus[] = ['failed', 'flaky', 'knownIssue']

const isJudged = (status: TestStatus): boolean => status === 'passed' || notMet.includes(status)

function change(
  was: TestResult | undefined,
  is: TestResult | undefined,
  suites: { readonly a: ConformanceResult; readonly b: ConformanceResult },
): readonly RowChange[] {
  const row = is ?? was
  const kind = kindOf(was?.status, is?.status)
  if (kind === undefined || row === undefined) return []
  const gone = is === undefined ? whyGone(row.id, suites) : undefined
  const reason = is?.reason ?? gone?.reason
  return [
    {
      id: row.id,
      title: row.title,
      level: row.level,
      profile: row.profile,
      kind: gone?.kind ?? kind,
      ...(was !== undefined && { a: was.status }),
      ...(is !== undefined && { b: is.status }),
      ...(reason !== undefined && { reason }),
      ...(is?.expected !== undefined && { expected: is.expected }),
      ...(is?.observed !== undefined && { observed: is.observed }),
      ...(is !== undefined && { reproduce: is.reproduce }),
    },
  ]
}

function kindOf(
  was: TestStatus | undefined,
  is: TestStatus | undefined,
): RowChangeKind | undefined {
  if (was === is) return undefined
  if (was === undefined) return 'new'
  if (is === undefined) return 'vanished'
  if (!isJudged(is)) return isJudged(was) ? 'not-judged' : undefined
  if (!isJudged(was)) return 'newly-judged'
  if (was === 'passed') return 'newly-failing'
  return is === 'passed' ? 'newly-passing' : 'otherwise'
}

function whyGone(
  id: string,
  { a, b }: { readonly a: ConformanceResult; readonly b: ConformanceResult },
): { readonly kind: RowChangeKind; readonly reason: string } {
  const notAutomated = b.notAutomated.find((row) => row.id === id)
  if (notAutomated !== undefined)
    return { kind: 'vanished', reason: `has no check in B: ${notAutomated.reason}` }
  const [before, after] = [selectionText(a), selectionText(b)]
  if (before !== after) return { kind: 'vanished', reason: `A chose ${before}, B chose ${after}` }
  return a.catalogue.sha256 === b.catalogue.sha256
    ? { kind: 'vanished', reason: 'was chosen in both and has no result in B' }
    : { kind: 'retired', reason: 'is not in the catalogue of B' }
}

function counted(result: ConformanceResult): ConformanceCount {
  const musts = result.tests.filter(({ level }) => level === 'MUST')
  return {
    conclusion: result.conclusion,
    rows: result.tests.length,
    mustPassed: musts.filter(({ status }) => status === 'passed').length,
    mustJudged: musts.filter(({ status }) => isJudged(status)).length,
    selection: selectionText(result),
  }
}

/** `--fast --profile DNS`; `every row`. */
export function selectionText({ selection }: Pick<ConformanceResult, 'selection'>): string {
  const flags = Object.entries(selection).map(([flag, value]) =>
    value === 'true' ? `--${flag}` : `--${flag} ${value}`,
  )
  return flags.length === 0 ? 'every row' : flags.join(' ')
}

function byId(tests: readonly TestResult[]): ReadonlyMap<string, TestResult> {
  return new Map(tests.map((test) => [test.id, test] as const))
}
