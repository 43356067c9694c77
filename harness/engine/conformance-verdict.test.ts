import t from 'tap'
import type { ConformanceConclusion, KnownIssue, TestResult } from '../model/conformance.ts'
import {
  conformanceConclusion,
  profileReports,
  rowVerdict,
  type RowOutcome,
} from './conformance-verdict.ts'

const conforms: RowOutcome = { kind: 'conforms' }
const violates: RowOutcome = { kind: 'violates', reason: 'NXDOMAIN' }
const skipped: RowOutcome = { kind: 'skipped', reason: 'nothing parses HTTP' }
const error: RowOutcome = { kind: 'error', reason: 'the probe ended' }
const terms = { declaredFeatures: ['ipv6'], at: '2026-06-30T23:59:59.000Z' }
const issue: KnownIssue = { url: 'https://example.org/587', expires: '2026-06-30' }

function row(change: Partial<TestResult> = {}): TestResult {
  const status = change.status ?? 'passed'
  return {
    id: 'DNS-A-001',
    title: 'ClusterIP A record',
    level: 'MUST',
    profile: 'DNS',
    sources: [],
    status,
    ...(status !== 'passed' && { reason: 'why' }),
    startedAt: terms.at,
    durationMs: 1,
    attempts: 1,
    findings: [],
    evidence: [],
    seed: 1,
    reproduce: 'meshmark conform --only DNS-A-001',
    ...change,
  }
}

t.test('repetitions of a row come to one status, and harness trouble excuses no violation', (t) => {
  const cases: readonly (readonly [readonly RowOutcome[], string, RegExp | undefined])[] = [
    [[conforms, conforms], 'passed', undefined],
    [[violates], 'failed', /^NXDOMAIN$/],
    [[error, violates], 'failed', /^NXDOMAIN$/],
    [[conforms, error], 'error', /^the probe ended$/],
    [[], 'error', /^it did not run$/],
    [[skipped, skipped], 'skipped', /parses HTTP/],
    [[conforms, violates, conforms], 'flaky', /differ: 2 conforms, 1 violates; NXDOMAIN/],
    [[conforms, skipped], 'flaky', /1 skipped; nothing parses/],
  ]
  for (const [outcomes, status, reason] of cases) {
    const verdict = rowVerdict(outcomes, terms)
    t.equal(verdict.status, status, outcomes.map(({ kind }) => kind).join())
    if (reason === undefined) t.notOk(verdict.reason)
    else t.match(verdict.reason, reason)
  }
  t.end()
})

t.test('a claimed feature that fails has failed; one that is not claimed cannot', (t) => {
  t.equal(rowVerdict([violates], { ...terms, feature: 'ipv6' }).status, 'failed')
  for (const outcome of [violates, skipped, error])
    t.match(rowVerdict([outcome], { ...terms, feature: 'sctp' }), {
      status: 'notSupported',
      reason: 'the target does not claim the feature sctp',
    })
  t.equal(rowVerdict([conforms], { ...terms, feature: 'sctp' }).status, 'passed')
  t.end()
})

t.test('a known issue is believed to the end of its last day, and never when it passes', (t) => {
  const known = { ...terms, knownIssue: issue }
  t.match(rowVerdict([violates], known), {
    status: 'knownIssue',
    reason: 'NXDOMAIN; known until 2026-06-30: https://example.org/587',
    knownIssue: issue,
  })
  t.match(rowVerdict([violates], { ...known, at: '2026-07-01T00:00:00.000Z' }), {
    status: 'failed',
    reason: 'NXDOMAIN; its known issue https://example.org/587 expired on 2026-06-30',
    knownIssue: undefined,
  })
  t.match(rowVerdict([conforms], known), {
    status: 'failed',
    reason: /^stale known issue: it passes/,
    knownIssue: issue,
  })
  t.equal(rowVerdict([error], known).status, 'error', 'trouble is no expected failure')
  t.end()
})

t.test('a known issue that shows only sometimes is not stale when it does not', (t) => {
  const known = { ...terms, knownIssue: issue, sometimes: true }
  t.match(rowVerdict([conforms], known), { status: 'passed', knownIssue: undefined })
  t.match(rowVerdict([violates], known), { status: 'knownIssue', knownIssue: issue })
  t.equal(rowVerdict([conforms, violates], known).status, 'knownIssue', 'repetitions that differ')
  t.equal(
    rowVerdict([violates], { ...known, at: '2026-07-01T00:00:00.000Z' }).status,
    'failed',
    'it expires as others do',
  )
  t.end()
})

t.test('a profile is counted in core, extended and recommended rows', (t) => {
  const tests = [
    row(),
    row({ id: 'DNS-A-002', status: 'failed' }),
    row({ id: 'DNS-A-003', status: 'skipped' }),
    row({ id: 'DNS-S-001', level: 'SHOULD', status: 'failed' }),
    row({ id: 'DNS-6-001', feature: 'ipv6' }),
    row({ id: 'DNS-P-001', feature: 'podRecords', status: 'notSupported' }),
    row({ id: 'DNS-P-002', feature: 'podRecords' }),
    row({ id: 'L4-A-001', profile: 'L4', status: 'flaky' }),
  ]
  const [dns, l4, ...more] = profileReports(tests, ['ipv6'])
  t.same(more, [])
  t.match(dns, {
    name: 'DNS',
    summary:
      'Core tests failed: 1 of 3 passed, 1 failed, 1 skipped. Extended tests succeeded: 2 of 2 passed. ' +
      'Recommended tests failed: 0 of 1 passed, 1 failed.',
    core: {
      result: 'failure',
      statistics: { passed: 1, failed: 1, skipped: 1 },
      failedTests: ['DNS-A-002'],
      skippedTests: ['DNS-A-003'],
    },
    extended: {
      result: 'success',
      statistics: { passed: 2, notSupported: 1 },
      supportedFeatures: ['ipv6'],
      unsupportedFeatures: ['podRecords'],
      undeclaredPassed: ['DNS-P-002'],
    },
    recommended: { result: 'failure', failedTests: ['DNS-S-001'] },
  })
  t.match(l4, { name: 'L4', core: { result: 'partial' } })
  t.notOk(l4?.extended)
  t.end()
})

t.test('the conclusion never says more than MUST rows showed', (t) => {
  const cases: readonly (readonly [
    string,
    readonly Partial<TestResult>[],
    ConformanceConclusion,
  ])[] = [
    ['all passed', [{}, {}], 'conformant'],
    ['nothing ran', [], 'inconclusive'],
    ['nothing was judged', [{ status: 'notSupported', feature: 'sctp' }], 'inconclusive'],
    ['a SHOULD failed', [{}, { level: 'SHOULD', status: 'failed' }], 'conformant'],
    ['a claimed feature failed', [{}, { feature: 'ipv6', status: 'failed' }], 'nonConformant'],
    ['one failed, one in doubt', [{ status: 'failed' }, { status: 'error' }], 'nonConformant'],
    ['trouble beside a skip', [{}, { status: 'error' }, { status: 'skipped' }], 'inconclusive'],
    ['a core row was skipped', [{}, { status: 'skipped' }], 'partial'],
    [
      'a row with a feature was skipped',
      [{}, { feature: 'ipv6', status: 'skipped' }],
      'conformant',
    ],
    ['a flaky row', [{}, { status: 'flaky' }], 'partial'],
    ['a known issue', [{}, { status: 'knownIssue', knownIssue: issue }], 'partial'],
    [
      'a stale known issue of a SHOULD',
      [{}, { level: 'SHOULD', status: 'failed', knownIssue: issue }],
      'nonConformant',
    ],
  ]
  for (const [name, changes, expected] of cases)
    t.equal(conformanceConclusion(changes.map(row)), expected, name)
  t.end()
})
