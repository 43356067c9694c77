import t from 'tap'
import { medianInterval } from '../measure/median-interval.ts'
import { median } from '../measure/quantile.ts'
import type { ConformanceResult, TestResult } from '../model/conformance.ts'
import type { RunResult } from '../model/run-result.ts'
import {
  askedByName,
  comparedRun,
  conformantRun,
  nextRelease,
  passingRun,
} from '../reporters/fixtures.ts'
import { comparisonText } from '../reporters/comparison-text.ts'
import { compareResults } from './compare.ts'
import { gateComparison } from './gate-comparison.ts'

const describe = { median, medianInterval }
const compare = (a: RunResult, b: RunResult): ReturnType<typeof compareResults> =>
  compareResults({ name: 'a', result: a }, { name: 'b', result: b }, describe)

/** The conformant run of a later day, with some rows otherwise. */
function later(
  others: Readonly<Record<string, Partial<TestResult> | undefined>>,
  more: Partial<ConformanceResult> = {},
): RunResult {
  const run = conformantRun()
  const { conformance } = run
  if (conformance === undefined) throw new Error('the fixture has no conformance result')
  const tests = conformance.tests.flatMap((test) =>
    test.id in others
      ? others[test.id] === undefined
        ? []
        : [{ ...test, ...others[test.id] }]
      : [test],
  )
  return { ...run, runId: 'later', conformance: { ...conformance, tests, ...more } }
}

const failed = { status: 'failed', reason: 'it answers NXDOMAIN' } as const
const gated = (b: RunResult, strict = false): ReturnType<typeof gateComparison> =>
  gateComparison(compare(conformantRun(), b), { strict })

t.test('each row that changed is told with what it was and what it is', (t) => {
  const b = later({
    'DNS-A-001': failed,
    'DNS-A-002': { status: 'knownIssue', reason: 'known' },
    'DNS-A-003': { status: 'error', reason: 'the probe died' },
    'DNS-SRV-001': undefined,
    'L4-SCTP-001': { status: 'passed' },
  })
  const found = compare(conformantRun(), b).conformance
  t.match(
    found?.changes.toSorted((x, y) => (x.id < y.id ? -1 : 1)),
    [
      { id: 'DNS-A-001', kind: 'newly-failing', a: 'passed', b: 'failed', reason: failed.reason },
      { id: 'DNS-A-002', kind: 'newly-failing', a: 'passed', b: 'knownIssue' },
      { id: 'DNS-A-003', kind: 'not-judged', a: 'passed', b: 'error' },
      { id: 'DNS-SRV-001', kind: 'vanished', a: 'passed', reason: /has no result in B/ },
      { id: 'L4-SCTP-001', kind: 'newly-judged', a: 'notSupported', b: 'passed' },
    ],
  )
  t.equal((found?.unchanged ?? 0) + 5, conformantRun().conformance?.tests.length)
  const back = compare(b, conformantRun()).conformance?.changes ?? []
  t.match(
    back.find(({ id }) => id === 'DNS-A-001'),
    { kind: 'newly-passing' },
  )
  t.match(
    back.find(({ id }) => id === 'DNS-SRV-001'),
    { kind: 'new', b: 'passed' },
  )
  t.match(
    compare(later({ 'DNS-A-001': failed }), later({ 'DNS-A-001': { ...failed, status: 'flaky' } }))
      .conformance?.changes,
    [{ kind: 'otherwise', a: 'failed', b: 'flaky' }],
  )
  t.end()
})

t.test('why a row is gone: not chosen, no check, no longer in the catalogue', (t) => {
  const gone = { 'DNS-A-001': undefined }
  const of = (more: Partial<ConformanceResult>): unknown =>
    compare(conformantRun(), later(gone, more)).conformance?.changes
  const catalogue = { version: '1.1.0', sha256: 'f'.repeat(64), rows: 500 }
  t.match(of({ selection: { fast: 'true' } }), [
    { kind: 'vanished', reason: /^A chose --profile DNS,.*, B chose --fast$/ },
  ])
  t.match(of({ catalogue, notAutomated: [{ id: 'DNS-A-001', reason: 'later' }] }), [
    { kind: 'vanished', reason: 'has no check in B: later' },
  ])
  t.match(of({ catalogue }), [{ kind: 'retired' }])
  t.end()
})

t.test(
  'the gate: a MUST that got worse is 1, one without a verdict 3, a SHOULD 4 with --strict',
  (t) => {
    t.same(gated(later({})), { exitCode: 0, reasons: [] })
    t.match(gated(later({ 'DNS-A-001': failed })), {
      exitCode: 1,
      reasons: ['DNS-A-001 (MUST) passed in A, fails in B'],
    })
    t.match(gated(later({ 'DNS-A-001': { ...failed, status: 'flaky' } })), { exitCode: 1 })
    t.match(gated(later({ 'DNS-A-001': { ...failed, status: 'knownIssue' } })), { exitCode: 0 })
    t.match(gated(later({ 'DNS-A-001': { status: 'skipped', reason: 'no ipv6' } })), {
      exitCode: 3,
      reasons: ['DNS-A-001 (MUST) passed in A and has no verdict in B (skipped): no ipv6'],
    })
    t.match(gated(later({ 'DNS-A-001': undefined })), { exitCode: 3 })
    t.match(gated(later({ 'DNS-A-008': failed })), { exitCode: 0 })
    t.match(gated(later({ 'DNS-A-008': failed }), true), { exitCode: 4 })
    t.match(
      gated(later({ 'DNS-A-001': failed, 'DNS-A-002': undefined })),
      { exitCode: 1, reasons: { length: 1 } },
      'a failure outweighs a hole',
    )
    const { conformance: _none, ...bare } = conformantRun()
    t.match(gated(bare), { exitCode: 3, reasons: ['B holds no conformance result'] })
    t.end()
  },
)

t.test('numbers of two sessions stand beside each other and never gate', (t) => {
  const found = compare(passingRun(), nextRelease())
  t.equal(found.relation, 'other-machine', 'another kernel')
  const latency = found.metrics.find(({ id }) => id === 'l7-latency/value')
  t.ok(latency?.a !== undefined && latency.b !== undefined)
  t.ok(latency?.a?.interval && latency.a.interval[0] <= latency.a.value)
  t.ok(latency?.a?.effect, 'with what the data plane adds in its own run')
  const ids = found.metrics.map(({ id }) => id)
  for (const id of ['l7-latency/value', 'l7-latency/cpu', 'l7-latency/direct'])
    t.ok(ids.includes(id), id)
  t.match(JSON.stringify(found), /"kernel release","a":"6\.1\.0-28-amd64","b":"6\.12\.6-amd64"/)
  t.same(
    Object.keys(latency ?? {}),
    ['id', 'title', 'unit', 'better', 'a', 'b'],
    'no ratio of the two',
  )
  t.throws(() => gateComparison(found, { strict: false }), {
    message: /nothing can be gated/,
    hint: /bench --vs BASELINE --gate/,
  })
  t.end()
})

t.test('performance gates where B itself holds a session with pairs against what A tested', (t) => {
  const a = passingRun()
  const b = comparedRun()
  const worse = compare(a, b)
  t.match(worse.sessions, [{ side: 'b', verdict: 'regressed', decides: true }])
  t.match(gateComparison(worse, { strict: false }), {
    exitCode: 1,
    reasons: [/l7-latency.value is worse/],
  })
  const { gate } = b
  if (gate === undefined) throw new Error('the fixture has no gate')
  for (const [verdict, strict, exitCode] of [
    ['ok', false, 0],
    ['improved', true, 0],
    ['inconclusive', false, 0],
    ['inconclusive', true, 3],
    ['invalid', false, 2],
  ] as const)
    t.match(
      gateComparison(compare(a, { ...b, gate: { ...gate, verdict, reasons: [] } }), { strict }),
      { exitCode },
      `${verdict}${strict ? ' --strict' : ''}`,
    )
  const another = { ...a, implementation: { ...a.implementation, version: '0.0.9' } }
  t.match(compare(another, b).sessions, [{ decides: false }], 'its baseline was another version')
  t.match(compare(b, a).sessions, [{ side: 'a', decides: false }], 'a session of A is not about B')
  t.end()
})

t.test('two implementations can be compared and not gated', (t) => {
  const a = conformantRun()
  const b = { ...later({}), implementation: { ...a.implementation, project: 'EdgeMesh' } }
  t.throws(() => gateComparison(compare(a, b), { strict: false }), {
    message: /A tests meshmark reference data plane, B tests EdgeMesh/,
  })
  t.end()
})

t.test('metrics of experiments stand there, too; one that was given up says so', (t) => {
  const run = askedByName()
  const { bench } = run
  const experiments = (bench?.experiments ?? []).map((one) => ({
    ...one,
    metrics: one.metrics.map((metric) => ({ ...metric, value: 10_000, isCensored: true })),
  }))
  const late = { ...run, runId: 'late', bench: { questions: [], order: [], experiments } }
  const found = compare(run, late)
  t.match(
    found.metrics.find(({ id }) => id === 'convergence-l4/remove-ms'),
    { unit: 'ms', a: { value: 41, trials: 3 }, b: { value: 10_000, isCensored: true } },
  )
  t.match(
    comparisonText(found),
    /convergence-l4\/remove-ms +41\sms \(3 replicates\) +over 10,000\sms/,
  )
  t.end()
})
