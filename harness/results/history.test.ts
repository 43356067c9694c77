import t from 'tap'
import { changePoints } from '../measure/change-points.ts'
import { medianInterval } from '../measure/median-interval.ts'
import { median } from '../measure/quantile.ts'
import type { RunResult } from '../model/run-result.ts'
import { conformantRun, nonConformantRun, passingRun } from '../reporters/fixtures.ts'
import type { NamedResult } from './compare.ts'
import { historyOf } from './history.ts'

const base = passingRun()
const statistics = {
  median,
  medianInterval,
  changePoints: (values: readonly number[]) => changePoints(values, { alpha: 0.05, seed: 1 }),
}

/** Run number `at`, all of whose numbers are larger by a factor. */
function run(at: number, factor: number, more: Partial<RunResult> = {}): NamedResult {
  const { bench } = base
  if (bench === undefined) throw new Error('the fixture has no benchmark')
  const questions = bench.questions.map((question) => ({
    ...question,
    arms: question.arms.map((arm) => ({
      ...arm,
      trials: arm.trials.map((trial) =>
        trial.value === undefined ? trial : { ...trial, value: trial.value * factor },
      ),
    })),
  }))
  const result = {
    ...base,
    runId: `run-${at}`,
    startedAt: `2026-01-${String(10 + at)}T03:00:00.000Z`,
    implementation: { ...base.implementation, version: `0.${at}.0` },
    bench: { ...bench, questions },
    ...more,
  }
  return { name: `${at}.json`, result }
}

const history = (...all: readonly NamedResult[]): ReturnType<typeof historyOf> =>
  historyOf(all, statistics)

t.test('a series is in the order of time, and a step in it is found where it is', (t) => {
  const factors = [1, 1.01, 0.99, 1, 1.02, 1.11, 1.1, 1.12, 1.09, 1.1]
  const all = factors.map((factor, at) => run(at, factor)).reverse()
  const one = history(...all).series.find(({ metric }) => metric === 'l7-latency/value')
  t.same(
    one?.points.map(({ version }) => version),
    factors.map((_, at) => `0.${at}.0`),
  )
  t.match(one?.changes, [{ index: 5 }])
  const [change] = one?.changes ?? []
  t.ok(
    change !== undefined && Math.abs(change.after / change.before - 1.1) < 1e-9,
    'levels are medians in the unit of the metric',
  )
  t.match(one?.points[0], { trials: 6, confidence: 0.96875 })
  t.end()
})

t.test('other machines, loads, modes and suites never share a line', (t) => {
  const points = (...all: readonly NamedResult[]): readonly number[] =>
    history(...all)
      .series.filter(({ metric }) => metric === 'l7-latency/value')
      .map((one) => one.points.length)
  t.same(points(run(1, 1), run(2, 1)), [2])
  for (const more of [
    { environment: { ...base.environment, cpus: 4 } },
    { suite: { ...base.suite, version: '1.0.0' } },
    { implementation: { ...base.implementation, mode: 'userspace' } },
    { cluster: { ...base.cluster, provider: 'kind' } },
  ])
    t.same(points(run(1, 1), run(2, 1, more)), [1, 1], Object.keys(more).join())
  const other = run(2, 1)
  const questions = other.result.bench?.questions.map((one) => ({ ...one, load: 'closed loop' }))
  t.same(
    points(run(1, 1), {
      ...other,
      result: {
        ...other.result,
        bench: { order: [], questions: questions ?? [] },
      },
    }),
    [1, 1],
    'load',
  )
  t.same(points(run(1, 1), run(1, 1)), [1], 'a run that is named twice is one point')
  t.end()
})

t.test('what has no valid trial is no point', (t) => {
  const { result } = run(1, 1)
  const questions = (result.bench?.questions ?? []).map((question) => ({
    ...question,
    arms: question.arms.map((arm) => ({
      ...arm,
      trials: arm.trials.map(({ value: _value, ...trial }) => ({
        ...trial,
        valid: false,
        invalid: ['late'],
      })),
    })),
  }))
  t.same(history({ name: 'x', result: { ...result, bench: { questions, order: [] } } }).series, [])
  t.end()
})

t.test('conformance along time names the rows that fail by now', (t) => {
  const bad = nonConformantRun()
  const { implementation } = conformantRun()
  const at = (result: RunResult, day: number): NamedResult => ({
    name: `${day}`,
    result: {
      ...result,
      implementation,
      runId: `run-${day}`,
      startedAt: `2026-01-0${day}T03:00:00.000Z`,
    },
  })
  const { conformance } = history(at(bad, 2), at(conformantRun(), 1), at(conformantRun(), 3))
  t.match(conformance, [{ target: 'reference', points: { length: 3 } }])
  const [first, second, third] = conformance[0]?.points ?? []
  t.match(first, { newlyFailing: { length: 0 }, conclusion: 'conformant' })
  t.ok((second?.newlyFailing.length ?? 0) > 0)
  t.same(third?.newlyPassing, second?.newlyFailing)
  t.end()
})

t.test('a series that reaches zero is looked at without logarithms', (t) => {
  const factors = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
  const one = history(...factors.map((factor, at) => run(at, factor))).series.find(
    ({ metric }) => metric === 'l7-latency/value',
  )
  t.match(one?.changes, [{ index: 5, before: 0 }])
  t.end()
})
