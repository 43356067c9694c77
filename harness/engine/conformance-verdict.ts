import type {
  ConformanceConclusion,
  KnownIssue,
  ProfileReport,
  ProfileStatus,
  TestResult,
  TestStatus,
} from '../model/conformance.ts'
import type { Profile } from '../model/requirement.ts'

/** What one run of one check came to; `error` is trouble of the harness. */
export interface RowOutcome {
  readonly kind: 'conforms' | 'violates' | 'skipped' | 'error'
  /** Why; needed unless it conforms. */
  readonly reason?: string
}

/** What else decides over a row. */
export interface RowTerms {
  readonly feature?: string
  readonly declaredFeatures: readonly string[]
  readonly knownIssue?: KnownIssue
  /** The known issue shows in some runs alone. */
  readonly sometimes?: boolean
  /** When the run started, RFC 3339 in UTC: an expectation that expired before counts no more. */
  readonly at: string
}

/**
 * The verdict on a row whose check ran once or several times (`--repeat`).
 * - A violation is never excused by harness trouble in another repetition; without one, trouble is `error`.
 * - Outcomes that differ are `flaky`.
 * - An expected failure is `knownIssue` until it expires; one that passes is `failed` as stale, unless it is
 *   one that shows only sometimes.
 * - Only a row whose feature is not claimed can be `notSupported`; when it passes all the same, it is `passed`.
 */
export function rowVerdict(
  outcomes: readonly RowOutcome[],
  terms: RowTerms,
): Pick<TestResult, 'status' | 'reason' | 'knownIssue'> {
  const plain = plainVerdict(outcomes)
  const { feature, declaredFeatures, knownIssue, sometimes = false, at } = terms
  if (feature !== undefined && !declaredFeatures.includes(feature))
    return plain.status === 'passed'
      ? plain
      : { status: 'notSupported', reason: `the target does not claim the feature ${feature}` }
  if (knownIssue === undefined || (sometimes && plain.status === 'passed')) return plain
  const { url, expires } = knownIssue
  if (plain.status === 'passed')
    return {
      status: 'failed',
      reason: `stale known issue: it passes; remove its expectation (${url})`,
      knownIssue,
    }
  if (plain.status !== 'failed' && !(sometimes && plain.status === 'flaky')) return plain
  const why = plain.reason ?? 'it fails'
  return at.slice(0, 10) > expires
    ? { status: 'failed', reason: `${why}; its known issue ${url} expired on ${expires}` }
    : { status: 'knownIssue', reason: `${why}; known until ${expires}: ${url}`, knownIssue }
}

function plainVerdict(outcomes: readonly RowOutcome[]): {
  readonly status: TestStatus
  readonly reason?: string
} {
  const judged = outcomes.filter(({ kind }) => kind !== 'error')
  const kinds = new Set(judged.map(({ kind }) => kind))
  if (kinds.size > 1) {
    const times = [...kinds].map((kind) => `${having(judged, kind)} ${kind}`).join(', ')
    return { status: 'flaky', reason: `repetitions differ: ${times}; ${reasonOf(judged)}` }
  }
  if (kinds.has('violates')) return { status: 'failed', reason: reasonOf(judged) }
  if (judged.length < outcomes.length || judged.length === 0)
    return { status: 'error', reason: reasonOf(outcomes) }
  return kinds.has('skipped')
    ? { status: 'skipped', reason: reasonOf(judged) }
    : { status: 'passed' }
}

function reasonOf(outcomes: readonly RowOutcome[]): string {
  if (outcomes.length === 0) return 'it did not run'
  return outcomes.find(({ reason }) => reason !== undefined)?.reason ?? 'no reason given'
}

function having(outcomes: readonly RowOutcome[], kind: RowOutcome['kind']): number {
  return outcomes.filter((outcome) => outcome.kind === kind).length
}

const profileOrder: readonly Profile[] = [
  'DNS',
  'L4',
  'L7',
  'LB',
  'EDGE',
  'GATEWAY',
  'SECURITY',
  'ROBUSTNESS',
]

/** Every profile of which a row was asked for, as gateway-api reports them. */
export function profileReports(
  tests: readonly TestResult[],
  declaredFeatures: readonly string[],
): readonly ProfileReport[] {
  return profileOrder.flatMap((name) => {
    const own = tests.filter(({ profile }) => profile === name)
    return own.length === 0 ? [] : [profileReport(name, own, declaredFeatures)]
  })
}

function profileReport(
  name: Profile,
  tests: readonly TestResult[],
  declaredFeatures: readonly string[],
): ProfileReport {
  const featured = tests.filter(({ feature }) => feature !== undefined)
  const plain = tests.filter(({ feature }) => feature === undefined)
  const recommendedRows = plain.filter(({ level }) => level !== 'MUST')
  const core = statusOf(plain.filter(({ level }) => level === 'MUST'))
  const extended = featured.length === 0 ? undefined : extendedStatus(featured, declaredFeatures)
  const recommended = recommendedRows.length === 0 ? undefined : statusOf(recommendedRows)
  return {
    name,
    summary: [
      sentence('Core', core),
      ...(extended === undefined ? [] : [sentence('Extended', extended)]),
      ...(recommended === undefined ? [] : [sentence('Recommended', recommended)]),
    ].join(' '),
    core,
    ...(extended !== undefined && { extended }),
    ...(recommended !== undefined && { recommended }),
  }
}

function extendedStatus(
  tests: readonly TestResult[],
  declaredFeatures: readonly string[],
): NonNullable<ProfileReport['extended']> {
  const features = [...new Set(tests.flatMap(({ feature }) => feature ?? []))].sort()
  const isDeclared = (feature: string | undefined): boolean =>
    feature !== undefined && declaredFeatures.includes(feature)
  const undeclaredPassed = tests
    .filter(({ status, feature }) => status === 'passed' && !isDeclared(feature))
    .map(({ id }) => id)
  return {
    ...statusOf(tests),
    supportedFeatures: features.filter(isDeclared),
    unsupportedFeatures: features.filter((feature) => !isDeclared(feature)),
    ...(undeclaredPassed.length > 0 && { undeclaredPassed }),
  }
}

function statusOf(tests: readonly TestResult[]): ProfileStatus {
  const statistics: Record<TestStatus, number> = {
    passed: 0,
    failed: 0,
    skipped: 0,
    notSupported: 0,
    error: 0,
    flaky: 0,
    knownIssue: 0,
  }
  for (const { status } of tests) statistics[status] += 1
  const ids = (wanted: TestStatus): readonly string[] =>
    tests.filter(({ status }) => status === wanted).map(({ id }) => id)
  const { failed, skipped, error, flaky, knownIssue } = statistics
  return {
    result:
      failed > 0 ? 'failure' : skipped + error + flaky + knownIssue > 0 ? 'partial' : 'success',
    statistics,
    ...(skipped > 0 && { skippedTests: ids('skipped') }),
    ...(failed > 0 && { failedTests: ids('failed') }),
  }
}

const words: Readonly<Record<ProfileStatus['result'], string>> = {
  success: 'succeeded',
  partial: 'partially succeeded',
  failure: 'failed',
}

/** `Core tests failed: 76 of 79 passed, 2 failed, 1 skipped.` */
function sentence(part: string, { result, statistics }: ProfileStatus): string {
  const { passed, notSupported, ...others } = statistics
  const total = Object.values(others).reduce((sum, count) => sum + count, passed)
  if (total === 0)
    return notSupported === 0
      ? `No ${part.toLowerCase()} tests ran.`
      : `${part} tests: ${notSupported} of features that are not claimed.`
  const rest = Object.entries(others)
    .filter(([, count]) => count > 0)
    .map(([status, count]) => `, ${count} ${status === 'knownIssue' ? 'known to fail' : status}`)
  return `${part} tests ${words[result]}: ${passed} of ${total} passed${rest.join('')}.`
}

/**
 * What the rows come to (report-format.md, rules 1 to 3). Only MUST rows count, and of those that name a feature only
 * where it is claimed.
 * - `nonConformant`: one failed, or a known issue of any level is stale.
 * - `inconclusive`: trouble of the harness kept one from being judged, or nothing was judged at all.
 * - `partial`: one is flaky or a known issue, or one of the core was skipped.
 */
export function conformanceConclusion(tests: readonly TestResult[]): ConformanceConclusion {
  if (tests.some(isStale)) return 'nonConformant'
  // why: what is not claimed is `passed` or `notSupported`, and neither counts against a target
  const musts = tests.filter(({ level }) => level === 'MUST')
  const statuses = new Set(musts.map(({ status }) => status))
  if (statuses.has('failed')) return 'nonConformant'
  if (statuses.has('error') || !tests.some(isJudged)) return 'inconclusive'
  const coreSkipped = musts.some((test) => test.feature === undefined && test.status === 'skipped')
  return statuses.has('flaky') || statuses.has('knownIssue') || coreSkipped
    ? 'partial'
    : 'conformant'
}

function isStale({ status, knownIssue }: TestResult): boolean {
  return status === 'failed' && knownIssue !== undefined
}

function isJudged({ status }: TestResult): boolean {
  return status !== 'skipped' && status !== 'notSupported' && status !== 'error'
}
