import t from 'tap'
import { medianInterval } from '../../measure/median-interval.ts'
import { median } from '../../measure/quantile.ts'
import { randomStream } from '../../measure/random.ts'
import { theilSenSlope } from '../../measure/theil-sen.ts'
import type {
  Experiment,
  ExperimentResult,
  Metric,
  ReplicateResult,
} from '../../model/experiment.ts'
import { concludeExperiment } from './conclude.ts'

const statistics = { median, medianInterval, slope: theilSenSlope, random: randomStream }

function concluded(
  replicates: readonly Partial<ReplicateResult>[],
  metric: Partial<Metric> = {},
  more: Partial<Pick<ExperimentResult, 'status' | 'reason'>> = {},
): ExperimentResult {
  const experiment: Experiment = {
    id: 'e',
    title: 'How long?',
    means: 'it takes',
    load: 'a request',
    metrics: [
      {
        id: 'm',
        title: 'stale window',
        unit: 'ms',
        better: 'lower',
        role: 'gated',
        margin: 0.2,
        ...metric,
      },
    ],
    replicates: { quick: 1, full: 1 },
    replicateS: 1,
    run: () => {
      throw new Error('not here')
    },
  }
  const whole = replicates.map((one, index) => ({
    label: `event ${index}`,
    startedAt: '2025-11-24T03:12:10.000Z',
    values: {},
    censored: [],
    invalid: [],
    ...one,
  }))
  return concludeExperiment(experiment, whole, statistics, more)
}

const value = (m: number, censored = false): Partial<ReplicateResult> => ({
  values: { m },
  ...(censored && { censored: ['m'] }),
})

t.test('the median stands for all, with its exact interval and the worst', (t) => {
  const { answer, status, metrics } = concluded([9, 12, 10, 11, 30, 8].map((m) => value(m)))
  t.equal(status, 'answered')
  t.equal(
    answer,
    'Stale window: 10.5 ms (between 8 and 30 ms at 96.9 % confidence, worst of 6 30 ms).',
  )
  t.match(metrics, [{ value: 10.5, interval: [8, 30], worst: 30, censored: 0 }])
  t.end()
})

t.test('what was given up ranks worst, whatever number stands there', (t) => {
  const { answer, metrics } = concluded([value(5, true), value(10), value(20)])
  t.match(
    metrics,
    [{ value: 20, worst: 5, censored: 1, count: 3 }],
    'the middle of 10, 20, given up',
  )
  t.match(answer, /^Stale window: 20 ms \(worst of 3 over 5 ms, 1 of 3 given up\)\.$/)
  t.end()
})

t.test('where most were given up the answer is a bound, never a number that was seen', (t) => {
  const { answer, metrics } = concluded([value(10_000, true), value(3), value(10_000, true)])
  t.match(metrics, [{ value: 10_000, isCensored: true, interval: undefined }])
  t.match(answer, /^Stale window: more than 10,000 ms/)
  t.end()
})

t.test('of a metric where more is better, the smallest is the worst', (t) => {
  const { metrics } = concluded([value(100), value(300), value(200)], {
    unit: 'req/s',
    better: 'higher',
  })
  t.match(metrics, [{ value: 200, worst: 100 }])
  t.end()
})

t.test('of a rate a bound is above the truth, and nobody waited for it', (t) => {
  const rate: Partial<Metric> = { title: 'rate', unit: 'req/s', better: 'higher' }
  const said = (...of: readonly Partial<ReplicateResult>[]): string => concluded(of, rate).answer
  const [less, more] = [value(250, true), value(400)]
  t.equal(
    said(less, more, value(300)),
    'Rate: 300 req/s (worst of 3 below 250 req/s, 1 of 3 only known as an upper bound).',
  )
  t.equal(
    said(less, less, more),
    'Rate: less than 250 req/s (2 of 3 only known as an upper bound).',
  )
  t.equal(
    said(less, value(250), more),
    'Rate: 250 req/s (worst of 3 below 250 req/s, 1 of 3 only known as an upper bound).',
    'the same number, but one of them was not borne',
  )
  t.match(said(value(300), more, value(350)), /worst of 3 300 req\/s\)\.$/, 'no bound, no below')
  t.end()
})

t.test('invalid replicates count for nothing; when none is valid there is no answer', (t) => {
  const invalid = { invalid: ['the client slept'] }
  const mixed = concluded([value(10), { ...value(1_000), ...invalid }])
  t.match(mixed.metrics, [{ value: 10, count: 1 }])
  const none = concluded([{ ...value(1), ...invalid }])
  t.match(none, { status: 'unanswered', answer: 'No answer: nothing was valid: the client slept.' })
  t.equal(concluded([]).status, 'unanswered')
  t.end()
})

t.test('a slope is told per so many units of size', (t) => {
  const sized = [10, 100, 1_000].map((size) => ({ ...value(50 + size * 3), size }))
  const { answer, metrics } = concluded(sized, {
    unit: 'KiB',
    summary: { kind: 'slope', per: 100 },
  })
  t.match(metrics, [{ value: 300, per: 100, summary: 'slope' }])
  t.equal(answer, 'Stale window: +300 KiB per 100.')
  t.end()
})

t.test('what broke off says so beside what it found before; what was skipped says why', (t) => {
  t.equal(
    concluded([value(7)], {}, { reason: 'the probe broke' }).answer,
    'Stale window: 7 ms. It broke off: the probe broke.',
  )
  t.match(concluded([], {}, { status: 'skipped', reason: 'it has no agent' }), {
    status: 'skipped',
    answer: 'No answer: it has no agent.',
  })
  t.end()
})
