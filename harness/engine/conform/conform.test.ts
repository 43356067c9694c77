/** What becomes of checks; the cluster is a double, because no check here asks anything of it. */
import t from 'tap'
import type { Check, CheckContext, Fixture } from '../../model/check.ts'
import type { TestResult } from '../../model/conformance.ts'
import type { Requirement } from '../../model/requirement.ts'
import { holm } from '../../measure/holm.ts'
import { clusterDouble, deployedDouble, type Diary, probeDouble } from '../testing/doubles.ts'
import { conform, type ConformPlan } from './conform.ts'
import { installation } from './installation.ts'
import { settle } from './settle.ts'

type Row = Partial<Requirement> & { readonly id: string; readonly run: Check['run'] } & Partial<
    Pick<Check, 'timeoutMs' | 'capabilities' | 'fixtures' | 'before'>
  >

const fine: Check['run'] = () => Promise.resolve({ kind: 'conforms', observed: 'as wanted' })
const wrong: Check['run'] = () =>
  Promise.resolve({ kind: 'violates', expected: 'one', observed: 'two' })
const breaks: Check['run'] = () => Promise.reject(new Error('no such pod'))

interface Outcome {
  readonly tests: readonly TestResult[]
  readonly conclusion: string
  readonly order: readonly string[]
  readonly evidence: readonly string[]
  readonly problems: readonly string[]
}

async function judge(
  rows: readonly Row[],
  more: Partial<ConformPlan> = {},
  diary: Diary = [],
): Promise<Outcome> {
  const problems: string[] = []
  const order: string[] = []
  const evidence: string[] = []
  const requirements = rows.map(({ id, ...row }): Requirement => ({
    id,
    level: row.level ?? 'MUST',
    profile: row.profile ?? 'DNS',
    environment: row.environment ?? 'B',
    disruptive: row.disruptive ?? false,
    slow: false,
    sources: [{ ref: 'H' }],
    sentence: `${id} does as it is told`,
    thresholds: row.thresholds ?? {},
    ...(row.feature !== undefined && { feature: row.feature }),
  }))
  const checks = rows.map(({ id, run, timeoutMs, capabilities, fixtures, before }): Check => ({
    requirement: id,
    sends: 'nothing',
    expects: 'nothing',
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(capabilities !== undefined && { capabilities }),
    ...(fixtures !== undefined && { fixtures }),
    ...(before !== undefined && { before }),
    run: (context) => {
      order.push(id)
      return run(context)
    },
  }))
  const { signal } = new AbortController()
  const cluster = clusterDouble([])
  const target = installation(deployedDouble(diary), () => {
    diary.push('deploy')
    return Promise.resolve(deployedDouble(diary))
  })
  const plan: ConformPlan = {
    requirements,
    checks,
    catalogue: { version: '1', sha256: 'a'.repeat(64), rows: rows.length },
    selection: {},
    seed: 7,
    workers: 2,
    repeat: 1,
    failFast: false,
    expectations: [],
    reproduce: (id) => `meshmark conform --only ${id}`,
    ...more,
  }
  const features = new Set(['nodePort'] as const)
  const judged = await conform(
    plan,
    {
      cluster,
      target,
      features,
      probe: () => Promise.resolve(probeDouble),
      load: () => Promise.reject(new Error('no load here')),
      context: () => {
        throw new Error('no scenario here')
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    {
      runId: 'r',
      features,
      target,
      backendImage: 'meshmark/backend',
      keepEvidence: (id, kept) => {
        evidence.push(...kept.map(({ name }) => `${id}/${name}`))
        return Promise.resolve([])
      },
      tell: () => undefined,
      signal,
      problem: (text) => void problems.push(text),
    },
  )
  const { tests, notAutomated } = judged
  const result = settle({ plan, features, tests, notAutomated, holm })
  return { tests: result.tests, conclusion: result.conclusion, order, evidence, problems }
}

function statuses({ tests }: Outcome): Record<string, string> {
  return Object.fromEntries(tests.map(({ id, status }) => [id, status]))
}

t.test('a check judges by what it returns; what it throws is trouble of the harness', async (t) => {
  const outcome = await judge([
    { id: 'A-1', run: fine },
    { id: 'A-2', run: wrong },
    { id: 'A-3', run: breaks },
    { id: 'A-4', run: () => Promise.resolve({ kind: 'skipped', reason: 'no HTTP here' }) },
  ])
  t.same(statuses(outcome), { 'A-1': 'passed', 'A-2': 'failed', 'A-3': 'error', 'A-4': 'skipped' })
  t.match(outcome.tests[1], { expected: 'one', observed: 'two', reason: 'two' })
  t.match(outcome.tests[2], { reason: 'no such pod' })
  t.match(outcome.tests[0], { reproduce: 'meshmark conform --only A-1', attempts: 1 })
  t.equal(outcome.conclusion, 'nonConformant')
})

t.test('a check that does not end is given up, and is no verdict', async (t) => {
  const outcome = await judge([
    { id: 'A-1', timeoutMs: 20, run: () => new Promise(() => undefined) },
  ])
  t.match(outcome.tests[0], { status: 'error', reason: /no verdict within 0.02 s/ })
  t.equal(outcome.conclusion, 'inconclusive')
  t.match(outcome.problems, [/A-1 did not end within 0.02 s of being told to/])
})

t.test(
  'a check that is given up leaves before the next begins, and nothing of it stays',
  async (t) => {
    const diary: Diary = []
    const outcome = await judge(
      [
        {
          id: 'A-1',
          disruptive: true,
          timeoutMs: 500,
          run: async ({ signal, target, keep }) => {
            const gone = target.uninstall()
            await new Promise((resolve) => {
              signal.addEventListener('abort', resolve)
            })
            await gone
            keep({
              [Symbol.asyncDispose]: () => {
                diary.push('late thing undone')
                return Promise.resolve()
              },
            })
            diary.push('A-1 leaves')
            throw new Error('too late for anybody')
          },
        },
        {
          id: 'A-2',
          disruptive: true,
          run: () => {
            diary.push('A-2 begins')
            return fine(undefined as never)
          },
        },
      ],
      {},
      diary,
    )
    t.same(statuses(outcome), { 'A-1': 'error', 'A-2': 'passed' })
    t.match(outcome.tests[0], { reason: /no verdict within 0.5 s/ })
    t.same(diary, [
      'uninstall the target',
      'A-1 leaves',
      'late thing undone',
      'deploy',
      'A-2 begins',
    ])
    t.same(outcome.problems, [])
  },
)

t.test('what a check keeps after it was given up for good is undone at once', async (t) => {
  let kept: CheckContext | undefined
  const outcome = await judge([
    {
      id: 'A-1',
      timeoutMs: 20,
      run: (context) => {
        kept = context
        return new Promise(() => undefined)
      },
    },
  ])
  t.same(statuses(outcome), { 'A-1': 'error' })
  await new Promise<void>((undone) => {
    kept?.keep({
      [Symbol.asyncDispose]: () => {
        undone()
        return Promise.resolve()
      },
    })
  })
})

t.test('what is not claimed is not supported, what the cluster cannot is skipped', async (t) => {
  const outcome = await judge([
    { id: 'A-1', feature: 'ipv6', run: wrong },
    { id: 'A-2', feature: 'nodePort', run: fine },
    { id: 'A-3', capabilities: ['node-fault'], run: wrong },
  ])
  t.same(statuses(outcome), { 'A-1': 'notSupported', 'A-2': 'passed', 'A-3': 'skipped' })
  t.match(outcome.tests[2], { reason: 'provider double has no node fault' })
  t.same(outcome.order, ['A-2'], 'only what can say something runs')
})

t.test('a row that is for a real Kubernetes alone is not asked of another cluster', async (t) => {
  const outcome = await judge([
    { id: 'A-1', run: fine },
    { id: 'A-2', environment: 'K', capabilities: ['kubernetes'], run: wrong },
  ])
  t.same(statuses(outcome), { 'A-1': 'passed' })
  t.equal(outcome.conclusion, 'conformant')
})

t.test('what breaks things runs alone, after everything else', async (t) => {
  let running = 0
  const alone: Check['run'] = async () => {
    running += 1
    const others = running
    await new Promise((resolve) => setImmediate(resolve))
    running -= 1
    return others === 1
      ? { kind: 'conforms', observed: 'alone' }
      : { kind: 'violates', expected: 'alone', observed: `${others} at once` }
  }
  const outcome = await judge([
    { id: 'A-1', disruptive: true, run: alone },
    { id: 'A-2', run: fine },
    { id: 'A-3', disruptive: true, run: alone },
    { id: 'A-4', run: fine },
  ])
  t.same(outcome.order, ['A-2', 'A-4', 'A-1', 'A-3'])
  t.same(
    outcome.tests.map(({ id }) => id),
    ['A-1', 'A-2', 'A-3', 'A-4'],
    'the report keeps the order of the catalogue',
  )
  t.ok(outcome.tests.every(({ status }) => status === 'passed'))
})

t.test('--fail-fast stops at a MUST, not at a SHOULD', async (t) => {
  const rows: readonly Row[] = [
    { id: 'A-1', level: 'SHOULD', run: wrong },
    { id: 'A-2', run: wrong },
    { id: 'A-3', run: fine },
  ]
  const outcome = await judge(rows, { failFast: true, workers: 1 })
  t.same(outcome.order, ['A-1', 'A-2'])
  t.match(outcome.tests[2], { status: 'error', reason: 'stopped at the first failure, A-2' })
})

t.test('repetitions that differ are flaky', async (t) => {
  let turn = 0
  const outcome = await judge(
    [
      { id: 'A-1', run: (context) => ((turn += 1) === 2 ? wrong(context) : fine(context)) },
      { id: 'A-2', run: fine },
    ],
    { repeat: 3 },
  )
  t.match(outcome.tests[0], { status: 'flaky', attempts: 3 })
  t.match(outcome.tests[1], { status: 'passed', attempts: 3 })
})

t.test('repetitions of a row share its namespace, so they never run side by side', async (t) => {
  let running = 0
  let most = 0
  const counts: Check['run'] = async (context) => {
    running += 1
    most = Math.max(most, running)
    await new Promise((resolve) => setImmediate(resolve))
    running -= 1
    return fine(context)
  }
  await judge([{ id: 'A-1', run: counts }], { repeat: 5, workers: 4 })
  t.equal(most, 1)
})

t.test('a statistic decides after the correction over all of them', async (t) => {
  const unlikely =
    (p: number): Check['run'] =>
    () =>
      Promise.resolve({
        kind: 'conforms',
        observed: 'skewed',
        statistic: { test: 'chi2', n: 300, statistic: 14, p, alpha: 0.001 },
      })
  const one = await judge([{ id: 'A-1', run: unlikely(0.0008) }])
  t.same(statuses(one), { 'A-1': 'failed' })
  const two = await judge([
    { id: 'A-1', run: unlikely(0.0008) },
    { id: 'A-2', run: unlikely(0.5) },
  ])
  t.same(statuses(two), { 'A-1': 'passed', 'A-2': 'passed' })
  t.equal(two.tests[0]?.statistic?.adjustedP, 0.0016)
})

t.test('a known failure is told as such until it expires or passes', async (t) => {
  const known = (id: string, expires: string): ConformPlan['expectations'][number] => ({
    id,
    reason: 'a limit',
    url: 'https://example.com/1',
    expires,
  })
  const outcome = await judge(
    [
      { id: 'A-1', run: wrong },
      { id: 'A-2', run: wrong },
      { id: 'A-3', run: fine },
    ],
    {
      expectations: [
        known('A-1', '2999-01-01'),
        known('A-2', '2020-01-01'),
        known('A-3', '2999-01-01'),
      ],
    },
  )
  t.same(statuses(outcome), { 'A-1': 'knownIssue', 'A-2': 'failed', 'A-3': 'failed' })
  t.match(outcome.tests[2], { reason: /stale known issue/ })
})

t.test('evidence is kept for what did not pass', async (t) => {
  const shows =
    (run: Check['run']): Check['run'] =>
    (context) => {
      context.evidence('transcript', 'talk', 'bytes')
      return run(context)
    }
  const { evidence } = await judge([
    { id: 'A-1', run: shows(fine) },
    { id: 'A-2', run: shows(wrong) },
    { id: 'A-3', run: shows(breaks) },
  ])
  t.same([...evidence].sort(), ['A-2/talk', 'A-3/talk'])
})

t.test('a check gets what its row and its manifest name, and nothing else', async (t) => {
  const fixture: Fixture = { id: 'f', manifests: () => [] }
  const outcome = await judge([
    {
      id: 'A-1',
      thresholds: { boundMs: 5 },
      run: ({ threshold }) =>
        Promise.resolve({ kind: 'conforms', observed: String(threshold('boundMs')) }),
    },
    { id: 'A-2', run: ({ threshold }) => Promise.reject(new Error(String(threshold('other')))) },
    { id: 'A-3', run: (context) => Promise.reject(new Error(context.fixture(fixture))) },
  ])
  t.match(outcome.tests[0], { status: 'passed', observed: '5' })
  t.match(outcome.tests[1], { reason: /A-2 has no threshold other/ })
  t.match(outcome.tests[2], { reason: /A-3 does not declare the fixture f/ })
})

t.test('what a check takes off the cluster is put back, whatever the check says', async (t) => {
  const seen: string[] = []
  const outcome = await judge([
    {
      id: 'A-1',
      disruptive: true,
      run: async ({ target }) => {
        await target.uninstall()
        await target.usage('n', { signal: AbortSignal.timeout(1) })
        return { kind: 'conforms', observed: 'it answers though it is away' }
      },
    },
    {
      id: 'A-2',
      disruptive: true,
      run: async ({ target, signal }) => {
        const { openFiles } = await target.usage('n', { signal })
        seen.push(String(openFiles))
        return { kind: 'conforms', observed: 'it is back' }
      },
    },
  ])
  t.match(outcome.tests[0], { status: 'error', reason: 'the target is not installed now' })
  t.same(statuses(outcome), { 'A-1': 'error', 'A-2': 'passed' })
  t.same(seen, ['0'])
})

t.test('what nobody looked at before the target came is no data', async (t) => {
  const look = { id: 'l', look: () => Promise.resolve({}) }
  const outcome = await judge([
    {
      id: 'A-1',
      before: look,
      run: ({ before }) => Promise.resolve({ kind: 'conforms', observed: typeof before() }),
    },
  ])
  t.match(outcome.tests[0], { status: 'error', reason: /A-1 was not seen to before/ })
})

t.test('same seed, same seeds of rows; what could not be undone is no pass', async (t) => {
  const seeds: number[] = []
  const remember: Check['run'] = ({ seed }) => {
    seeds.push(seed)
    return fine(undefined as never)
  }
  await judge([{ id: 'A-1', run: remember }])
  await judge([{ id: 'A-1', run: remember }])
  t.equal(seeds[0], seeds[1])
  const outcome = await judge([
    {
      id: 'A-1',
      run: (context) => {
        context.keep({ [Symbol.asyncDispose]: () => Promise.reject(new Error('it stays')) })
        return fine(context)
      },
    },
  ])
  t.match(outcome.tests[0], { status: 'error', reason: /could not be undone: it stays/ })
})
