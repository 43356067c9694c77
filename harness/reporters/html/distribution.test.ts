import { build, encodeIntoCompressedBase64 } from 'hdr-histogram-js'
import t from 'tap'
import type { BenchTrial } from '../../model/run-result.ts'
import { without } from '../fixtures/without.ts'
import { passingRun } from '../fixtures.ts'
import { distributionOf, highestShare, merged, quantileUs } from './distribution.ts'

function trials(): readonly BenchTrial[] {
  return (passingRun().bench?.questions ?? []).flatMap(({ arms }) =>
    arms.flatMap((arm) => arm.trials),
  )
}

t.test('quantiles of a decoded histogram are those that the trial recorded', (t) => {
  let compared = 0
  for (const trial of trials()) {
    const distribution = distributionOf(trial)
    if (distribution === undefined) throw new Error('no histogram')
    t.equal(distribution.count, trial.count)
    for (const [share, recorded] of [
      [0.5, trial.p50Us],
      [0.9, trial.p90Us],
      [0.99, trial.p99Us],
      [0.999, trial.p999Us],
    ] as const) {
      t.equal(quantileUs(distribution, share), recorded)
      compared += recorded === undefined ? 0 : 1
    }
  }
  t.ok(compared > 200, `${compared} quantiles were there to compare`)
  t.end()
})

t.test('merging is recording everything into one', (t) => {
  const [a, b] = [build(), build()]
  const all = build()
  for (let value = 1; value <= 4000; value += 1) {
    ;(value % 3 === 0 ? a : b).recordValue(value * value)
    all.recordValue(value * value)
  }
  const [trial] = trials()
  if (trial === undefined) throw new Error('no trial')
  const decoded = (
    histogram: ReturnType<typeof build>,
  ): NonNullable<ReturnType<typeof distributionOf>> => {
    const found = distributionOf({ ...trial, histogram: encodeIntoCompressedBase64(histogram) })
    if (found === undefined) throw new Error('not decoded')
    return found
  }
  t.same(merged([decoded(a), decoded(b)]), decoded(all))
  t.end()
})

t.test('a quantile needs 50 samples beyond it', (t) => {
  const of = (count: number) => ({ count, steps: [{ valueUs: 7, cumulative: count }] })
  t.equal(quantileUs(of(5000), 0.99), 7)
  t.equal(quantileUs(of(4999), 0.99), undefined)
  t.equal(highestShare(of(20)), 0)
  t.end()
})

t.test('what is no histogram is none', (t) => {
  const [trial] = trials()
  if (trial === undefined) throw new Error('no trial')
  t.equal(distributionOf(without(trial, 'histogram')), undefined)
  t.equal(distributionOf({ ...trial, histogram: 'bm90IG9uZQ==' }), undefined)
  t.end()
})
