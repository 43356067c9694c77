import type { ConformanceResult, ProfileReport, TestResult } from '../model/conformance.ts'
import type { RunResult } from '../model/run-result.ts'
import { UsageError } from '../model/errors.ts'

/** Parts of a profile, as gateway-api divides them. */
export type Part = 'core' | 'extended' | 'recommended'

export function partOf({ feature, level }: Pick<TestResult, 'feature' | 'level'>): Part {
  if (feature !== undefined) return 'extended'
  return level === 'MUST' ? 'core' : 'recommended'
}

/** A known issue that passes by now: the run fails, whatever its level. */
export function isStale({ status, knownIssue }: TestResult): boolean {
  return status === 'failed' && knownIssue !== undefined
}

/**
 * A row in the words of test runners. Only what decides over the conclusion is a `failure` or an `error`: SHOULD and MAY
 * rows that are not met, and known issues, are `todo`, with their reason.
 */
export function outcomeOf(test: TestResult): 'passed' | 'failure' | 'error' | 'skipped' | 'todo' {
  const decides = test.level === 'MUST' || isStale(test)
  switch (test.status) {
    case 'passed':
      return 'passed'
    case 'failed':
    case 'flaky':
      return decides ? 'failure' : 'todo'
    case 'error':
      return decides ? 'error' : 'todo'
    case 'knownIssue':
      return 'todo'
    case 'skipped':
    case 'notSupported':
      return 'skipped'
  }
}

/** Why it did not pass, in one line: `flaky MUST: repetitions differ`. */
export function whyText(test: TestResult): string {
  const { status, level } = test
  const word = status === 'knownIssue' ? 'known issue' : status === 'error' ? 'not judged' : status
  return status === 'skipped' || status === 'notSupported'
    ? (test.reason ?? 'no reason given')
    : `${word} ${level}: ${test.reason ?? 'no reason given'}`
}

/** The profiles with their rows, in the order of the report. */
export function byProfile({ profiles, tests }: ConformanceResult): readonly {
  readonly profile: ProfileReport
  readonly tests: readonly TestResult[]
}[] {
  return profiles.map((profile) => ({
    profile,
    tests: tests.filter((test) => test.profile === profile.name),
  }))
}

/** The worst first: what a reader looks for. */
const urgency = ['failed', 'error', 'flaky', 'knownIssue', 'skipped', 'notSupported', 'passed']

/** Rows that did not pass although somebody claims or needs them, the worst first, MUST before SHOULD. */
export function troubles(tests: readonly TestResult[]): readonly TestResult[] {
  const rank = (test: TestResult): number =>
    urgency.indexOf(test.status) + (outcomeOf(test) === 'todo' ? urgency.length : 0)
  return tests
    .filter(({ status }) => status !== 'passed' && status !== 'notSupported')
    .sort((a, b) => rank(a) - rank(b))
}

/** Everything that is known about a row that did not pass: names and texts, in the order of reading. */
export function factsOf(test: TestResult): readonly (readonly [string, string])[] {
  const { reason, expected, observed, convergence, statistic, evidence, knownIssue } = test
  const optional = (name: string, text: string | undefined): readonly [string, string][] =>
    text === undefined || text === '' ? [] : [[name, text]]
  return [
    ['requirement', requirementText(test)],
    ...optional('source', test.sources.map(sourceText).join('; ')),
    ...optional('reason', reason),
    ...optional('expected', expected),
    ...optional('observed', observed),
    ...optional('findings', wrongFindings(test).map(findingText).join('\n')),
    ...optional(
      'convergence',
      convergence && `${convergence.observedMs} ms of at most ${convergence.thresholdMs} ms`,
    ),
    ...optional(
      'statistic',
      statistic &&
        `${statistic.test} = ${statistic.statistic}, n = ${statistic.n}, p = ${statistic.p}, corrected ${statistic.adjustedP}, alpha ${statistic.alpha}`,
    ),
    ...optional('evidence', evidence.map(({ path }) => path).join('\n')),
    ...optional('known issue', knownIssue && `${knownIssue.url} (until ${knownIssue.expires})`),
    ['reproduce', test.reproduce],
  ]
}

/** `MUST, DNS core` or `SHOULD, LB extended (consistentHash)`. */
export function requirementText(test: TestResult): string {
  const feature = test.feature === undefined ? '' : ` (${test.feature})`
  return `${test.level}, ${test.profile} ${partOf(test)}${feature}`
}

function sourceText({ ref, url }: TestResult['sources'][number]): string {
  return url === undefined ? ref : `${ref} <${url}>`
}

/** Comparisons that failed, without those that `expected` names already. */
export function wrongFindings({ findings, expected = '' }: TestResult): TestResult['findings'] {
  return findings.filter(({ ok, name }) => !ok && !expected.includes(`${name}: `))
}

/** `answers of the other namespace: expected 0, observed 12`. */
export function findingText(finding: TestResult['findings'][number]): string {
  return `${finding.name}: expected ${valueText(finding.expected)}, observed ${valueText(finding.observed)}`
}

function valueText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing')
}

/** Results as the formats of the conformance suite need them. @throws UsageError for a run without it */
export function conformanceOf(result: RunResult, format: string): ConformanceResult {
  if (result.conformance !== undefined) return result.conformance
  throw new UsageError(`run ${result.runId} has no conformance result, which ${format} shows`, [], {
    hint: 'name a run of `meshmark conform`, or choose another --format',
  })
}
