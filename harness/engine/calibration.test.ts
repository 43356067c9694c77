import t from 'tap'
import type { BenchFacts, Question } from '../model/question.ts'
import { calibrated } from './calibration.ts'
import { generatorDouble } from './testing/doubles.ts'

const facts = { podIp: 'pod', clusterIp: 'service' } as BenchFacts

const request = (host: string) => () =>
  ({ kind: 'udp-flow', host, port: 1, expect: { pod: 'a' } }) as const

const question: Question = {
  id: 'q',
  title: 'How long?',
  means: 'it takes',
  role: 'advisory',
  margin: 0.05,
  unit: 'us',
  better: 'lower',
  metric: 'response-p50',
  effect: 'difference',
  profile: { kind: 'open-loop', rateRps: 500, maxInFlight: 10 },
  calibration: { share: 0.4, concurrency: 4 },
  warmupMs: 1,
  durationMs: 1_000,
  arms: [
    { id: 'direct', label: 'pod IP', request: request('pod') },
    { id: 'target', label: 'ClusterIP', request: request('service') },
  ],
}

async function asked(direct: number, target: number, one: Question = question) {
  const generator = generatorDouble((job) => ({
    achievedRps: job.target.host === 'pod' ? direct : target,
  }))
  const found = await calibrated(one, {
    plan: { seed: 1 },
    facts,
    generator,
    tell: () => undefined,
    signal: new AbortController().signal,
  })
  return { ...found, jobs: generator.jobs }
}

t.test(
  'the rate is 40 % of what the slowest way carries, and the window grows with it',
  async (t) => {
    const { question: as, calibration, jobs } = await asked(1_000, 50)
    t.match(as, { profile: { kind: 'open-loop', rateRps: 20 }, durationMs: 6_500 })
    t.match(
      calibration,
      /the slowest way carried 50 per second with 4 clients, of which this is 40 %/,
    )
    t.match(jobs, [{ profile: { kind: 'closed-loop', concurrency: 4 } }, {}])
  },
)

t.test('never more than the question wants, nor so little that nothing is sent', async (t) => {
  t.match((await asked(9_000, 8_000)).question, { profile: { rateRps: 500 }, durationMs: 1_000 })
  t.match((await asked(9_000, 0)).question, { profile: { rateRps: 1 }, durationMs: 30_000 })
})

t.test('a closed loop keeps its clients, and its window grows', async (t) => {
  const loop = { kind: 'closed-loop', concurrency: 1 } as const
  const { question: as, calibration } = await asked(100, 20, { ...question, profile: loop })
  t.match(as, { profile: loop, durationMs: 6_500 })
  t.match(calibration, /^the slowest way carried 20 per second with 1 client$/)
})

t.test('a question without a calibration stays as it is', async (t) => {
  const { calibration: _, ...fixed } = question
  const { question: as, jobs } = await asked(1, 1, fixed)
  t.same(as, fixed)
  t.same(jobs, [])
})
