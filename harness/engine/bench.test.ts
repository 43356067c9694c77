import t from 'tap'
import type { LoadResult } from '../model/load.ts'
import type { BenchFacts, Question } from '../model/question.ts'
import type { BenchResult } from '../model/run-result.ts'
import { bench, type BenchPlan } from './bench.ts'
import { conclude, exitCode } from './judge.ts'
import { stage } from './stage.ts'
import {
  allAt,
  clusterDouble,
  type Diary,
  deployedDouble,
  type GeneratorDouble,
  generatorDouble,
  probeDouble,
} from './testing/doubles.ts'

const facts: BenchFacts = {
  podIp: '10.244.2.2',
  podPort: 8080,
  clusterIp: '10.96.0.99',
  serviceName: 'nginx',
  namespace: 'default',
  l7Port: 80,
  l4Port: 81,
  path: '/',
  bodySha256: '',
  dnsServer: '10.96.0.10',
  clusterDomain: 'cluster.local',
}

function question(id: string, more: Partial<Question> = {}): Question {
  const request = (host: string) => () =>
    ({
      kind: 'http-connect',
      host,
      port: 80,
      path: '/',
      authority: id,
      expect: { status: 200, bodySha256: '' },
    }) as const
  return {
    id,
    title: `${id}?`,
    means: 'nothing',
    role: 'advisory',
    margin: 0.05,
    unit: 'us',
    better: 'lower',
    metric: 'response-p50',
    profile: { kind: 'open-loop', rateRps: 100, maxInFlight: 10 },
    arms: [
      { id: 'direct', label: 'pod IP', request: request(facts.podIp) },
      { id: 'target', label: 'ClusterIP', request: request(facts.clusterIp) },
    ],
    effect: 'difference',
    warmupMs: 1,
    durationMs: 1,
    ...more,
  }
}

/** Statistics that are easy to follow: medians for everything, and every second flip is heads. */
const statistics = {
  coinFlips: (_seed: number, pairs: number) =>
    Array.from({ length: pairs }, (_, index) => index % 2 === 1),
  median: (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0,
  hodgesLehmann: (values: readonly number[]) =>
    values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0,
  interval: () => undefined,
}

async function ask(
  plan: Partial<BenchPlan>,
  generator: GeneratorDouble,
  signal = new AbortController().signal,
  diary: Diary = [],
): Promise<BenchResult> {
  const scene = stage(clusterDouble(diary), deployedDouble([]), {
    connectProbe: () => probeDouble,
    connectLoad: () => generator,
  })
  const whole: BenchPlan = {
    questions: [question('q')],
    pairs: 2,
    seed: 7,
    prepare: () => Promise.resolve(facts),
    ...plan,
  }
  return bench(whole, scene, {
    statistics,
    generatorCpus: [],
    tell: () => undefined,
    signal,
  })
}

/** 100 µs to the pod, 130 µs through the Service. */
function honest(job: { readonly target: { readonly host: string } }): Partial<LoadResult> {
  return { response: allAt(job.target.host === facts.podIp ? 100 : 130) }
}

t.test(
  'questions take turns, arms of a pair in the order of the flip, with the same arrivals',
  async (t) => {
    const generator = generatorDouble(honest)
    const { order } = await ask({ questions: [question('one'), question('two')] }, generator)
    t.same(
      order.map(({ question: id, arm, pair }) => `${pair} ${id} ${arm}`),
      [
        '0 one direct',
        '0 one target',
        '0 two direct',
        '0 two target',
        '1 one target',
        '1 one direct',
        '1 two target',
        '1 two direct',
      ],
    )
    const seeds = generator.jobs.map(({ seed }) => seed)
    for (let index = 0; index < seeds.length; index += 2)
      t.equal(seeds[index], seeds[index + 1], `pair ${index / 2}: one schedule for both arms`)
    t.not(seeds[0], seeds[4], 'another pair has another schedule')
  },
)

t.test('the effect is taken pair by pair and told in a sentence with its unit', async (t) => {
  const { questions } = await ask({}, generatorDouble(honest))
  t.match(questions, [
    {
      effect: { estimate: 30, pairs: [30, 30], unit: 'us' },
      answer: /^\+30 µs to the median \(100 to 130 µs/,
    },
  ])
})

t.test(
  'an invalid pair is run again, both arms of it, and stays in the result with its reason',
  async (t) => {
    const generator = generatorDouble((job, index) =>
      index === 0 ? { invalid: ['schedule was late'] } : honest(job),
    )
    const { questions, order } = await ask({ pairs: 4 }, generator)
    t.equal(order.length, 10, 'four pairs and one again')
    const [direct] = questions[0]?.arms ?? []
    t.match(direct?.trials[0], { valid: false, invalid: ['schedule was late'] })
    t.equal(direct?.trials[0]?.value, undefined, 'an invalid trial has no number')
    t.same(questions[0]?.effect?.pairs, [30, 30, 30, 30], 'complete valid pairs alone count')
  },
)

t.test('no more than a quarter of the pairs is run again', async (t) => {
  const generator = generatorDouble(() => ({ invalid: ['generator was busy'] }))
  const { questions, order } = await ask({ pairs: 4 }, generator)
  t.equal(order.length, 10)
  t.match(questions, [{ effect: undefined, answer: 'No answer: no trial was valid.' }])
})

t.test('a foreign answer is not run again', async (t) => {
  const generator = generatorDouble(() => ({ invalid: ['foreign answer from a stranger'] }))
  const { order } = await ask({ pairs: 1 }, generator)
  t.equal(order.length, 2)
})

t.test('too few samples for the metric make a trial invalid, never a number', async (t) => {
  const few = { count: 3, minUs: 1, meanUs: 1, maxUs: 1, encoded: '' }
  const { questions } = await ask(
    { pairs: 1 },
    generatorDouble(() => ({ response: few })),
  )
  t.match(questions[0]?.arms[0]?.trials[0], {
    valid: false,
    invalid: ['too few samples for the metric'],
  })
})

t.test('load stands on the first edge node, or on those that are named', async (t) => {
  const diary: Diary = []
  const never = new AbortController().signal
  const alone = await ask({ pairs: 1 }, generatorDouble(honest), never, diary)
  t.same(diary, ['spawn load at edge-node-a/container'])
  t.same(alone.loadNodes, ['edge-node-a'])
  t.notMatch(alone.questions[0]?.load, /nodes/)
  diary.length = 0
  const loadNodes = ['edge-node-b', 'master', 'edge-node-b']
  const shared = await ask({ pairs: 1, loadNodes }, generatorDouble(honest), never, diary)
  t.same(diary, ['spawn load at edge-node-b/container', 'spawn load at master/container'])
  t.same(shared.loadNodes, ['edge-node-b', 'master'])
  t.match(shared.questions[0]?.load, /, shared by 2 nodes at once \(edge-node-b, master\)$/)
  await t.rejects(ask({ loadNodes: ['edge-node-c'] }, generatorDouble(honest)), {
    code: 'usage',
    message: '--load-nodes: there is no node edge-node-c',
    hint: 'nodes: master, edge-node-a, edge-node-b',
  })
})

t.test(
  'a question whose ground is missing is left out with the reason, the others go on',
  async (t) => {
    const questions = [
      question('small', { uses: ['l4'] }),
      question('large', { uses: ['l4', 'l4-payloads'] }),
      question('no-rate', { calibration: { share: 0.4, concurrency: 1 } }),
    ]
    const missing = { 'l4-payloads': 'nginx-payload is not ready on edge-node-b' }
    const generator = generatorDouble((job, index) => {
      // why: the look for a rate comes before the first pair
      if (index === 0) throw new Error('nobody listens')
      return honest(job)
    })
    const prepare = (): Promise<BenchFacts> => Promise.resolve({ ...facts, missing })
    const result = await ask({ questions, prepare }, generator)
    t.same(
      result.questions.map(({ id, answer }) => [id, answer.replace(/ \(.*/, '')]),
      [
        ['small', '+30 µs to the median'],
        ['large', 'No answer: nginx-payload is not ready on edge-node-b.'],
        ['no-rate', 'No answer: nobody listens.'],
      ],
    )
    t.same(new Set(result.order.map(({ question: id }) => id)), new Set(['small']))
    const conclusion = conclude({ partial: false, problems: [], bench: result })
    t.equal(exitCode(conclusion), 2, 'as for every question without a valid trial')
  },
)

t.test('an interruption while rates are looked for is none of a question', async (t) => {
  const stop = new AbortController()
  const questions = [question('q', { calibration: { share: 0.4, concurrency: 1 } })]
  const generator = generatorDouble(() => {
    stop.abort()
    throw new Error('aborted')
  })
  const result = await ask({ questions }, generator, stop.signal)
  t.match(result.questions, [{ answer: 'No answer: no trial was valid.' }])
})

t.test('an interruption keeps what was measured so far', async (t) => {
  const stop = new AbortController()
  const generator = generatorDouble((job, index) => {
    if (index === 1) stop.abort()
    return honest(job)
  })
  const { questions } = await ask({ pairs: 9 }, generator, stop.signal)
  t.equal(questions[0]?.arms[0]?.trials.length, 1)
})
