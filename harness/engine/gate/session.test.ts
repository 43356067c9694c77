/** What becomes of pairs; clusters and generators are doubles whose answers are made up, the rule is the real one. */
import t from 'tap'
import { hodgesLehmann, hodgesLehmannInterval } from '../../measure/hodges-lehmann.ts'
import { gateRules, lookAt } from '../../measure/gate/rule.ts'
import { coinFlips } from '../../measure/order.ts'
import { median } from '../../measure/quantile.ts'
import { randomStream } from '../../measure/random.ts'
import type { GatedMetric, GateResult } from '../../model/gate.ts'
import type { LoadResult } from '../../model/load.ts'
import type { BenchFacts, Question } from '../../model/question.ts'
import { conclude } from '../judge.ts'
import { stage } from '../stage.ts'
import {
  allAt,
  clusterDouble,
  deployedDouble,
  generatorDouble,
  probeDouble,
} from '../testing/doubles.ts'
import type { Arena } from './arena.ts'
import { gate, type GateStatistics } from './session.ts'

const facts = { podIp: 'pod', clusterIp: 'service' } as BenchFacts

const request = (host: string) => () =>
  ({
    kind: 'http-connect',
    host,
    port: 80,
    path: '/',
    authority: 'x',
    expect: { status: 200, bodySha256: '' },
  }) as const

const latency: Question = {
  id: 'latency',
  title: 'How long?',
  means: 'how long it takes',
  role: 'gated',
  margin: 0.05,
  unit: 'us',
  better: 'lower',
  metric: 'response-p50',
  profile: { kind: 'open-loop', rateRps: 100, maxInFlight: 10 },
  arms: [
    { id: 'direct', label: 'pod IP', request: request('pod') },
    { id: 'target', label: 'ClusterIP', request: request('service') },
  ],
  effect: 'difference',
  warmupMs: 1,
  durationMs: 1,
}

const rate: Question = {
  ...latency,
  id: 'rate',
  unit: 'req/s',
  better: 'higher',
  metric: 'throughput',
}

const statistics: GateStatistics = {
  coinFlips,
  median,
  hodgesLehmann,
  interval: hodgesLehmannInterval,
  random: randomStream,
  lookAt,
}

type Answers = (host: string, index: number) => Partial<LoadResult>

function arena(answers: Answers): Arena {
  const cluster = clusterDouble([])
  const scene = stage(cluster, deployedDouble([]), {
    connectProbe: () => probeDouble,
    connectLoad: () => generatorDouble(() => ({})),
  })
  return {
    scene,
    facts,
    generator: generatorDouble(({ target }, index) =>
      answers('host' in target ? target.host : '', index),
    ),
    identity: {
      target: 'double',
      organization: 'o',
      project: 'p',
      url: 'u',
      version: '1',
      contact: [],
    },
    cluster: { provider: 'double', nodes: [], readyMs: 1, description: {} },
    verify: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

/** A little noise, never the same twice. */
function noisy(us: number): Answers {
  const random = randomStream(Math.round(us * 7))
  return (host) => ({
    response: allAt((host === 'pod' ? 80 : us) * (1 + 0.01 * (random() - 0.5))),
    achievedRps: (host === 'pod' ? 9_000 : 1e6 / us) * (1 + 0.01 * (random() - 0.5)),
  })
}

async function compare(
  baseline: Answers,
  candidate: Answers,
  question: Question = latency,
  gated: readonly GatedMetric[] = [{ question: question.id, kind: 'value', margin: 0.05 }],
  isSameProgram: boolean = false,
  isRecording: boolean = false,
): Promise<GateResult> {
  return gate(
    {
      profile: 'pr',
      rule: gateRules.pr,
      questions: [question],
      gated,
      seed: 5,
      spec: 'dir:old',
      isSameProgram,
      isRecording,
    },
    {
      baseline: arena(baseline),
      candidate: arena(candidate),
      statistics,
      signal: new AbortController().signal,
      tell: () => undefined,
    },
  )
}

const conclusion = (result: GateResult): string =>
  conclude({ partial: false, problems: [], gate: result })

t.test('slower by more than the margin is worse, faster is better, equal is ok', async (t) => {
  const worse = await compare(noisy(100), noisy(112))
  t.match(worse, { verdict: 'regressed', metrics: [{ verdict: 'regressed', isGated: true }] })
  t.match(worse.reasons[0], /^latency\/value is worse: \+1[12]\.\d % \(100 to 112 µs, between /)
  t.equal(worse.metrics[0]?.pairs.length, 10, 'decided at the first look')
  t.equal(conclusion(worse), 'failed')
  const better = await compare(noisy(112), noisy(100))
  t.match(better, { verdict: 'improved' })
  t.equal(conclusion(better), 'passed')
  const same = await compare(noisy(100), noisy(100.4))
  t.match(same, { verdict: 'ok', reasons: [] })
  t.equal(conclusion(same), 'passed')
})

t.test('a program that is worse than itself makes the session invalid, never failed', async (t) => {
  const itself = (baseline: number, candidate: number): Promise<GateResult> =>
    compare(noisy(baseline), noisy(candidate), latency, undefined, true)
  const worse = await itself(100, 112)
  t.match(worse, { verdict: 'invalid', isSameProgram: true })
  t.match(worse.reasons, [
    /are the same program, and it came out as worse/,
    /latency\/value is worse/,
  ])
  t.equal(conclusion(worse), 'invalid')
  t.match(await itself(112, 100), { verdict: 'ok' }, 'nor is it ever better')
  t.match(await itself(100, 100.4), { verdict: 'ok', reasons: [] })
})

t.test('a rate that falls is worse: the direction is the question’s', async (t) => {
  t.match(await compare(noisy(100), noisy(112), rate), { verdict: 'regressed' })
  t.match(await compare(noisy(112), noisy(100), rate), { verdict: 'improved' })
})

t.test(
  'what wanders too much stays undecided to the last pair, and says what it could find',
  async (t) => {
    const random = randomStream(9)
    const wild: Answers = () => ({ response: allAt(100 * Math.exp(random() - 0.5)) })
    const result = await compare(wild, wild)
    t.match(result, { verdict: 'inconclusive' })
    t.equal(result.metrics[0]?.pairs.length, 16)
    t.match(result.reasons[0], /this session finds \d+ % four times of five, the margin is 5\.0 %$/)
    t.equal(conclusion(result), 'inconclusive')
  },
)

t.test('a pair with an invalid trial runs again as a whole; too many are no verdict', async (t) => {
  const good = noisy(100)
  const onceBad: Answers = (host, index) =>
    index === 4 ? { invalid: ['the rate was not held'] } : good(host, index)
  const mended = await compare(noisy(100), onceBad)
  t.match(mended, { verdict: 'ok', questions: [{ requeued: 1 }] })
  t.equal(mended.metrics[0]?.pairs.length, 10)
  const broken = await compare(noisy(100), () => ({ invalid: ['the rate was not held'] }))
  t.match(broken, { verdict: 'invalid' })
  t.match(broken.reasons[0], /latency: 5 pairs were not valid, the last because the rate was not/)
  t.equal(conclusion(broken), 'invalid')
})

t.test(
  'a recording goes on when all is decided, with the baseline twice in every pair',
  async (t) => {
    const result = await compare(noisy(100), noisy(112), latency, undefined, false, true)
    t.match(result, { verdict: 'regressed', metrics: [{ pairs: { length: 10 } }] }, 'as decided')
    const trials = new Map(result.questions[0]?.arms.map((arm) => [arm.id, arm.trials.length]))
    t.same(Object.fromEntries(trials), {
      baseline: 16,
      candidate: 16,
      control: 16,
      'direct-a': 6,
      'direct-b': 6,
    })
    const gated = await compare(noisy(100), noisy(112))
    t.equal(gated.questions[0]?.arms.find(({ id }) => id === 'control')?.trials.length, 4)
  },
)

t.test('a stranger who answers ends the question at once', async (t) => {
  const result = await compare(noisy(100), () => ({ invalid: ['foreign answer: 404'] }))
  t.match(result, { verdict: 'invalid', questions: [{ requeued: 0 }] })
})

t.test('when the way past the target differs, nothing of the session counts', async (t) => {
  const good = noisy(130)
  const slowMachine: Answers = (host, index) =>
    host === 'pod' ? { response: allAt(104 + (index % 3) / 10) } : good(host, index)
  const second = { ...latency, id: 'second' }
  const third = { ...latency, id: 'third' }
  const result = await gate(
    {
      profile: 'pr',
      rule: { ...gateRules.pr, looks: [{ pairs: 12, share: 1 }] },
      questions: [latency, second, third],
      gated: [latency, second, third].map(({ id }) => ({
        question: id,
        kind: 'value',
        margin: 0.05,
      })),
      seed: 5,
      spec: 'dir:old',
      isSameProgram: false,
    },
    {
      baseline: arena(noisy(100)),
      candidate: arena(slowMachine),
      statistics,
      signal: new AbortController().signal,
      tell: () => undefined,
    },
  )
  t.match(result, { verdict: 'invalid' })
  t.match(result.reasons, [/the way past the target, in either cluster/])
  t.match(
    result.controls.map(({ id, verdict }) => `${id} ${verdict}`),
    ['a-a same', 'direct different'],
  )
})

t.test('a metric that nobody could read is not valid, never ok', async (t) => {
  const result = await compare(noisy(100), noisy(100), latency, [
    { question: 'latency', kind: 'cpu', margin: 0.05 },
  ])
  t.match(result, { verdict: 'invalid' })
})
