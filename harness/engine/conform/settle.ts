import type { ConformanceResult, TestResult } from '../../model/conformance.ts'
import type { Feature } from '../../model/target.ts'
import {
  conformanceConclusion,
  profileReports,
  type RowOutcome,
  rowVerdict,
} from '../conformance-verdict.ts'
import type { ConformPlan } from './conform.ts'

/** A failure that is known of a target: it counts neither as a failure nor as a pass until it expires. */
export interface Expectation {
  readonly id: string
  readonly reason: string
  /** Where it is told: an issue, a limit in the target's documentation. */
  readonly url: string
  /** RFC 3339 date; after it the failure counts again. */
  readonly expires: string
  /** It fails in some runs alone, as the reason says: a pass is no contradiction. */
  readonly sometimes?: true | undefined
}

interface SettleInit {
  readonly plan: Pick<ConformPlan, 'catalogue' | 'selection' | 'expectations' | 'requirements'>
  readonly features: ReadonlySet<Feature>
  readonly tests: readonly TestResult[]
  readonly notAutomated: ConformanceResult['notAutomated']
  readonly holm: (p: readonly number[]) => readonly number[]
  readonly now?: Date
}

/** Verdicts that need the whole run: statistics after Holm's correction, repetitions, known failures. */
export function settle({
  plan,
  features,
  tests,
  notAutomated,
  holm,
  now = new Date(),
}: SettleInit): ConformanceResult {
  const declaredFeatures = [...features].sort()
  const runs = byRow(withHolm(tests, holm))
  const judged = plan.requirements.flatMap(({ id }) => {
    const [first, ...more] = runs.get(id) ?? []
    if (first === undefined) return []
    if (first.status === 'notSupported') return [first]
    const known = plan.expectations.find((one) => one.id === id)
    return [merged([first, ...more], first, { declaredFeatures, known, at: now.toISOString() })]
  })
  return {
    catalogue: plan.catalogue,
    selection: plan.selection,
    declaredFeatures,
    profiles: profileReports(judged, declaredFeatures),
    tests: judged,
    notAutomated,
    conclusion: conformanceConclusion(judged),
  }
}

function byRow(tests: readonly TestResult[]): ReadonlyMap<string, readonly TestResult[]> {
  const rows = new Map<string, TestResult[]>()
  for (const test of tests) rows.set(test.id, [...(rows.get(test.id) ?? []), test])
  return rows
}

interface Terms {
  readonly declaredFeatures: readonly string[]
  readonly known: Expectation | undefined
  readonly at: string
}

/** Repetitions of one row as one result: what it shows is the first that did not pass. */
function merged(
  runs: readonly TestResult[],
  first: TestResult,
  { declaredFeatures, known, at }: Terms,
): TestResult {
  const outcomes = runs.map(({ status, reason }) => ({
    kind: kindOf(status),
    ...(reason !== undefined && { reason }),
  }))
  const { reason: _, ...shown } = runs.find(({ status }) => status !== 'passed') ?? first
  const verdict = rowVerdict(outcomes, {
    declaredFeatures,
    at,
    ...(first.feature !== undefined && { feature: first.feature }),
    ...(known !== undefined && { knownIssue: { url: known.url, expires: known.expires } }),
    ...(known?.sometimes === true && { sometimes: true }),
  })
  return { ...shown, ...verdict, attempts: runs.length }
}

function kindOf(status: TestResult['status']): RowOutcome['kind'] {
  if (status === 'passed') return 'conforms'
  if (status === 'failed') return 'violates'
  return status === 'skipped' ? 'skipped' : 'error'
}

/** A statistic whose corrected p falls below its level makes a pass a failure. */
function withHolm(tests: readonly TestResult[], holm: SettleInit['holm']): readonly TestResult[] {
  const adjusted = holm(tests.flatMap(({ statistic }) => (statistic ? [statistic.p] : [])))
  let next = 0
  return tests.map((test) => {
    const { statistic } = test
    if (statistic === undefined) return test
    const adjustedP = adjusted[next] ?? 1
    next += 1
    const corrected = { ...test, statistic: { ...statistic, adjustedP } }
    if (test.status !== 'passed' || adjustedP >= statistic.alpha) return corrected
    const expected = `p of at least ${statistic.alpha} after Holm's correction over ${adjusted.length} statistics`
    const observed = `${statistic.test} = ${statistic.statistic.toFixed(2)}, n = ${statistic.n}, p = ${statistic.p.toExponential(2)}, corrected ${adjustedP.toExponential(2)}; ${test.observed ?? ''}`
    const reason = `p = ${statistic.p.toExponential(2)} is too small after Holm's correction`
    return { ...corrected, status: 'failed' as const, expected, observed, reason }
  })
}
