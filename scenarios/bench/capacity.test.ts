import t from 'tap'
import type { ExperimentContext, LoadJob, LoadResult, Replicate } from '../../harness/api.ts'
import { l4Capacity, l7Capacity } from './capacity.ts'
import { mixed } from './mixed.ts'

/** What the generator would say of a rate. */
type Answer = (rateRps: number, host: string) => Partial<LoadResult>

const p99 = (ms: number): Partial<LoadResult> => ({
  invalid: [],
  response: { count: 5_000, minUs: 1, meanUs: 1, p99Us: ms * 1_000, maxUs: 1, encoded: '' },
})

async function searched(answer: Answer): Promise<Replicate | undefined> {
  const run = ({ profile, target }: LoadJob): Promise<LoadResult> => {
    const rateRps = profile.kind === 'open-loop' ? profile.rateRps : 0
    return Promise.resolve(answer(rateRps, target.host) as LoadResult)
  }
  const context = {
    cluster: { nodes: ['a', 'b'].map((name) => ({ name, role: 'edge' })) },
    facts: {
      podIp: 'pod',
      podPort: 8080,
      clusterIp: 'service',
      l4Port: 81,
      l7Port: 80,
      path: '/',
      bodySha256: '',
    },
    replicates: 1,
    seed: 1,
    random: () => 0.7,
    load: () => Promise.resolve({ run }),
    tell: () => undefined,
    signal: new AbortController().signal,
  } as unknown as ExperimentContext
  const found: Replicate[] = []
  for await (const replicate of l4Capacity.run(context)) found.push(replicate)
  return found[0]
}

t.test('the search comes within 15 % of where p99 passes the limit', async (t) => {
  for (const limit of [290, 700, 3_000, 11_000]) {
    const found = await searched((rateRps, host) =>
      p99(rateRps > (host === 'pod' ? limit * 2 : limit) ? 30 : 2),
    )
    const rate = found?.values['target-rps'] ?? 0
    t.ok(rate <= limit && rate > limit / 1.16, `${rate} of ${limit}`)
    t.ok((found?.values['direct-rps'] ?? 0) > limit, 'and past the target further')
    t.equal(found?.invalid, undefined)
  }
})

t.test('requests that fail are too much, whatever the time of the others', async (t) => {
  const failing = {
    ...p99(1),
    invalid: ['70 of 5000 requests failed, want 1 of 100 at most: reset'],
  }
  const found = await searched((rateRps) => (rateRps > 2_000 ? failing : p99(1)))
  t.ok((found?.values['target-rps'] ?? 0) <= 2_000)
  t.equal(found?.invalid, undefined)
})

t.test('where the generator gives out first there is no number, and it says so', async (t) => {
  const late = { ...p99(1), invalid: ['the schedule was not kept: 700 of 5000 requests left late'] }
  const found = await searched((rateRps) => (rateRps > 2_000 ? late : p99(1)))
  t.match(found?.invalid, [/^through the target: the schedule was not kept/])
})

t.test(
  'below the lowest rate nobody looks: the answer is a bound, and the search ends',
  async (t) => {
    const rates: number[] = []
    const found = await searched((rateRps, host) => {
      if (host !== 'pod') rates.push(rateRps)
      return p99(host === 'pod' ? 2 : 30)
    })
    t.match(found, { values: { 'target-rps': 250 }, censored: ['target-rps'], invalid: undefined })
    t.same(rates, [500, 250])
    t.match(found?.note, /^through the target not even 250: 30.00 ms; past it/)
  },
)

t.test(
  'a generator that was busy for a moment is asked again, one that stays so gives no number',
  async (t) => {
    const late = {
      ...p99(1),
      invalid: ['the schedule was not kept: 410 of 5033 requests left late'],
    }
    let asked = 0
    const once = await searched((rateRps) => {
      asked += 1
      return asked === 1 ? late : p99(rateRps > 2_000 ? 30 : 1)
    })
    t.match(once, { invalid: undefined, censored: undefined })
    t.ok((once?.values['target-rps'] ?? 0) > 1_700)
    const never = await searched(() => late)
    t.same(never?.values, {}, 'nothing is known, neither way')
    t.match(never?.invalid, [/^through the target: the schedule was not kept/])
  },
)

t.test(
  'a generator that gives out between two rates leaves a wider bracket, and a number',
  async (t) => {
    const late = {
      ...p99(1),
      invalid: ['the schedule was not kept: 700 of 5000 requests left late'],
    }
    const found = await searched((rateRps) =>
      rateRps > 4_000 && rateRps < 8_000 ? late : p99(rateRps >= 8_000 ? 30 : 2),
    )
    t.match(found, { values: { 'target-rps': 4_000 }, invalid: undefined, censored: undefined })
    t.match(
      found?.note,
      /^through the target p99 2.00 ms at 4000, too much at 8000, not known between them \(.*\): 5657: the schedule/,
    )
  },
)

t.test('who bears the highest rate bears it or more, and the note says so', async (t) => {
  const found = await searched(() => p99(2))
  t.match(found, { values: { 'target-rps': 40_000, 'direct-rps': 40_000 }, invalid: undefined })
  t.match(found?.note, /at 40000, or more: none above was tried; past it .*, or more/)
})

t.test('a path that answers nothing has no capacity, not a small one', async (t) => {
  const dead = { invalid: ['no request was answered', '4000 of 5500 requests failed: refused'] }
  const found = await searched((_, host) => (host === 'pod' ? p99(1) : { ...p99(1), ...dead }))
  t.equal(found?.values['target-rps'], undefined)
  t.match(found, {
    censored: undefined,
    invalid: ['through the target: no request was answered, at 250 per second'],
  })
})

t.test("a foreign answer ends the search: it is nobody's limit", async (t) => {
  const foreign = { ...p99(1), invalid: ['foreign answer: status 404'] }
  await t.rejects(
    searched((_, host) => (host === 'pod' ? p99(1) : foreign)),
    { code: 'foreign-answer', message: 'service, at 500 per second: foreign answer: status 404' },
  )
})

t.test('what stands on a path of the target says so', (t) => {
  t.same([l4Capacity.uses, l7Capacity.uses, mixed.uses], [['l4'], ['l7'], ['l4', 'l7']])
  t.end()
})
