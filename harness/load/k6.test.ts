/** What is made of what k6 said: of one, of several, and of what is missing. No k6 runs here. */
import t from 'tap'
import { k6Command, k6Opinion, type K6Program } from './k6.ts'
import { mixedQuantile } from './mixed-quantile.ts'

const job = { rateRps: 500, seconds: 2 }

interface Said {
  readonly count?: number
  readonly dropped?: number
  readonly exitCode?: number
  /** Response times in milliseconds: they lie evenly between the two. */
  readonly between?: readonly [number, number]
  readonly without?: string
  readonly crossed?: boolean
}

/** A program that said what k6 v1.8.1 says, shortened to what is read. */
function program(node: string, said: Said = {}): K6Program {
  const { count = 500, dropped = 0, exitCode = 0, between: [least, most] = [1, 2] } = said
  const at = (percent: number): number => least + ((most - least) * percent) / 100
  const trend = Object.fromEntries(
    Array.from({ length: 99 }, (_, index) => [`p(${index + 1})`, at(index + 1)]),
  )
  const metrics: Record<string, object> = {
    http_req_duration: { values: { ...trend, count, min: least, med: at(50), max: most } },
    http_reqs: {
      values: { count, rate: count / 2 },
      thresholds: { 'count>0': { ok: said.crossed !== true } },
    },
    http_req_failed: { values: { rate: 0, passes: 0, fails: count } },
    checks: { values: { rate: 1, passes: count * 2, fails: 0 } },
    ...(dropped > 0 && { dropped_iterations: { values: { count: dropped, rate: 1 } } }),
  }
  if (said.without !== undefined) Reflect.deleteProperty(metrics, said.without)
  const stdout = JSON.stringify({ state: { testRunDurationMs: 2_001 }, metrics })
  return {
    node,
    version: 'k6 v1.8.1 (go1.26)',
    ended: { exitCode, stdout, stderr: 'level=error' },
  }
}

t.test('what several k6 saw is one opinion: counts summed, times put together', (t) => {
  const seen = k6Opinion(job, [program('a'), program('b', { between: [3, 4] })])
  t.match(seen, {
    tool: 'k6 v1.8.1',
    nodes: ['a', 'b'],
    count: 1_000,
    achievedRps: 500,
    invalid: [],
  })
  t.ok(seen.p50Us !== undefined && seen.p50Us >= 2_000 && seen.p50Us <= 3_000, `${seen.p50Us}`)
  // Of all samples 90 % lie below what 80 % of the slower half lie below.
  t.equal(seen.p90Us, 3_800)
  t.equal(seen.p99Us, undefined, 'ten samples beyond p99 say nothing')
  t.end()
})

t.test('one k6 has its own quantiles, and no list of nodes', (t) => {
  const seen = k6Opinion({ rateRps: 250, seconds: 2 }, [program('a')])
  t.equal(seen.p50Us, 1_500)
  t.equal(seen.nodes, undefined)
  t.same(seen.invalid, [])
  t.end()
})

t.test('quantiles of samples together are those of all samples', (t) => {
  const evenly = (count: number, most: number) => ({
    count,
    quantiles: [0, 0.25, 0.5, 0.75, 1].map((share) => [share, share * most] as const),
  })
  const near = (share: number, want: number, ...sets: ReturnType<typeof evenly>[]): void => {
    const seen = mixedQuantile(share, sets) ?? NaN
    t.ok(Math.abs(seen - want) < 1e-6, `${seen}, want ${want}`)
  }
  near(0.5, 5, evenly(100, 10))
  near(0.5, 5, evenly(100, 10), evenly(7, 10))
  // 300 samples up to 10, 100 up to 100: below 10 lie 300 + 10 of 400
  near(310 / 400, 10, evenly(300, 10), evenly(100, 100))
  t.equal(mixedQuantile(0.5, []), undefined)
  t.end()
})

for (const { title, said, reason } of [
  { title: 'dropped iterations', said: { dropped: 3, exitCode: 99 }, reason: /3 iterations were/ },
  { title: 'a stranger', said: { exitCode: 108 }, reason: 'foreign answer' },
  { title: 'fewer requests than wanted', said: { count: 400 }, reason: /400 of 500 requests/ },
  { title: 'no request', said: { count: 0 }, reason: 'no request was sent' },
  { title: 'no times', said: { without: 'http_req_duration' }, reason: /nothing of http_req_dur/ },
  { title: 'no checks', said: { without: 'checks' }, reason: /nothing of checks/ },
  { title: 'a threshold', said: { crossed: true, exitCode: 99 }, reason: /http_reqs: count>0/ },
  {
    title: 'a threshold without a name',
    said: { exitCode: 99 },
    reason: 'a threshold was crossed',
  },
] as const)
  t.test(`${title} of one k6 makes the whole invalid, with its node`, (t) => {
    const { invalid } = k6Opinion(job, [program('a'), program('b', said)])
    t.equal(invalid.length, 1)
    t.match(invalid[0], reason)
    t.match(invalid[0], /^on b, /)
    t.end()
  })

t.test('a pod that was taken away is invalid, and does not hide why', (t) => {
  const gone: K6Program = { node: 'a', version: '', ended: { stdout: '', stderr: '' } }
  const { invalid, count } = k6Opinion(job, [gone, program('b', { exitCode: 108, count: 2 })])
  t.same(invalid, ['on a, k6 was stopped', 'on b, foreign answer'])
  t.equal(count, 2)
  t.throws(() => k6Opinion(job, [gone]), { code: 'program-failed' }, 'nobody ran to the end')
  t.end()
})

t.test('several share the rate, and wait for each other', (t) => {
  const command = k6Command({ script: 's', url: 'u', ...job, programs: 3, startedAt: ':6565' })
  for (const word of ['--paused', 'MESHMARK_RATE=500', 'MESHMARK_TIME_UNIT=3s'])
    t.ok(command.includes(word), word)
  t.equal(command[command.indexOf('--address') + 1], ':6565')
  t.notOk(k6Command({ script: 's', url: 'u', ...job }).includes('--paused'), 'one alone does not')
  t.end()
})
