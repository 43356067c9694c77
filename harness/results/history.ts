import { machineFingerprint } from '../model/fingerprint.ts'
import type {
  ConformanceSeries,
  FoundChange,
  History,
  HistoryOf,
  HistoryPoint,
  HistorySeries,
} from '../model/history.ts'
import type { Describing, Measured } from '../model/measured.ts'
import type { RunResult } from '../model/run-result.ts'
import { compareRows } from './compare-rows.ts'
import type { NamedResult } from './compare.ts'
import { measuredIn } from './measured.ts'

export interface HistoryStatistics extends Describing {
  /** Where the level of values changes; none for too few. */
  readonly changePoints: (values: readonly number[]) => readonly FoundChange[]
}

/**
 * Trends of results. A series holds only what may stand in one line: the same implementation, provider, load, kind of
 * machine and major version of the suite. Change points are looked for in logarithms, so that they are relative.
 */
export function historyOf(all: readonly NamedResult[], statistics: HistoryStatistics): History {
  const results = uniqueRuns(all).toSorted((a, b) =>
    a.result.startedAt < b.result.startedAt ? -1 : 1,
  )
  return { series: series(results, statistics), conformance: conformance(results) }
}

function series(
  results: readonly NamedResult[],
  statistics: HistoryStatistics,
): readonly HistorySeries[] {
  const found = results.flatMap((one) =>
    measuredIn(one.result, statistics).map((measured) => ({
      head: headOf(one.result, measured),
      point: { ...pointOf(one), ...numbersOf(measured) },
    })),
  )
  return [...groupedBy(found, ({ head }) => keyOf(head)).values()].flatMap((group) => {
    const points = group.map(({ point }) => point)
    const last = group.at(-1)
    if (last === undefined) return []
    const values = points.map(({ value }) => value)
    return [{ ...last.head, points, changes: changesIn(values, statistics) }]
  })
}

/** In logarithms; where there is a zero or less, as in windows that never opened, as they are. */
function changesIn(
  values: readonly number[],
  { changePoints }: HistoryStatistics,
): readonly FoundChange[] {
  if (values.some((value) => value <= 0)) return changePoints(values)
  return changePoints(values.map((value) => Math.log(value))).map(
    ({ before, after, ...change }) => ({
      ...change,
      before: Math.exp(before),
      after: Math.exp(after),
    }),
  )
}

type Head = Omit<HistorySeries, 'points' | 'changes'>

function headOf(result: RunResult, measured: Measured): Head {
  const { id, title, unit, better, load, from } = measured
  return {
    ...of(result),
    metric: id,
    title,
    unit,
    better,
    load,
    from,
    fingerprint: machineFingerprint(result.environment).id,
    suiteMajor: result.suite.version.split('.')[0] ?? '',
  }
}

/** why: a title may be worded better in a later release and is still the same question */
function keyOf({ title: _title, ...head }: Head): string {
  return JSON.stringify(head, Object.keys(head).sort())
}

function numbersOf({
  value,
  isCensored,
  interval,
  confidence,
  trials,
}: Measured): Pick<Measured, 'value' | 'isCensored' | 'interval' | 'confidence' | 'trials'> {
  return {
    value,
    ...(isCensored !== undefined && { isCensored }),
    ...(interval !== undefined && { interval }),
    ...(confidence !== undefined && { confidence }),
    trials,
  }
}

function conformance(results: readonly NamedResult[]): readonly ConformanceSeries[] {
  const found = results.flatMap((one) => {
    const rows = compareRows(undefined, one.result.conformance)?.b
    return rows === undefined ? [] : [{ one, rows }]
  })
  const groups = groupedBy(found, ({ one, rows }) =>
    JSON.stringify([of(one.result), rows.selection]),
  )
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const points = group.map(({ one, rows }, at) => {
      const changes =
        compareRows(group[at - 1]?.one.result.conformance, one.result.conformance)?.changes ?? []
      const ids = (kind: 'newly-failing' | 'newly-passing'): readonly string[] =>
        changes.filter((change) => change.kind === kind).map(({ id }) => id)
      const { conclusion, mustPassed, mustJudged } = rows
      return {
        ...pointOf(one),
        conclusion,
        mustPassed,
        mustJudged,
        newlyFailing: ids('newly-failing'),
        newlyPassing: ids('newly-passing'),
      }
    })
    return [{ ...of(first.one.result), selection: first.rows.selection, points }]
  })
}

function of({ implementation, cluster }: RunResult): HistoryOf {
  const { project, mode, target } = implementation
  return { project, ...(mode !== undefined && { mode }), target, provider: cluster.provider }
}

function pointOf({ name, result }: NamedResult): HistoryPoint {
  return {
    name,
    runId: result.runId,
    startedAt: result.startedAt,
    version: result.implementation.version,
    suiteVersion: result.suite.version,
  }
}

function groupedBy<T>(all: readonly T[], keyOf: (one: T) => string): ReadonlyMap<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const one of all) {
    const key = keyOf(one)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [one])
    else group.push(one)
  }
  return groups
}

/** why: a run that is named twice is one point, not two */
function uniqueRuns(all: readonly NamedResult[]): readonly NamedResult[] {
  return [...new Map(all.map((one) => [one.result.runId, one] as const)).values()]
}
