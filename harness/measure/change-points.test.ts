import fc from 'fast-check'
import t from 'tap'
import { candidate, changePoints } from './change-points.ts'
import { medianInterval } from './median-interval.ts'
import { randomStream } from './random.ts'

/* why: computed with Apache Otava 0.8.0 (PairDistanceCalculator), NumPy 2.4.6; its segments may be one value long */
const step = [100, 101, 99, 100, 102, 98, 112, 111, 113, 112, 110, 114]
const two = [10.0, 10.2, 9.9, 10.1, 10.0, 12.1, 12.0, 11.8, 12.2, 12.0, 9.0, 9.1, 8.9, 9.2, 9.0]
const flat = [5.0, 5.1, 4.9, 5.2, 5.0, 4.8, 5.1, 5.0, 4.9, 5.1]
const noise = [
  ...[0.001, 0.299, -0.274, -0.891, -0.455, -0.992, 0.06, 1.34, -0.492, -0.62],
  ...[0.49, 0.357, 0.105, -0.93, -0.029, 0.695, -1.344, -0.458, -1.901, -1.29],
]

t.test('the best split and its energy distance are those of Apache Otava', (t) => {
  for (const [values, start, end, index, q] of [
    [step, 0, 12, 6, 61.599999999999994],
    [step, 3, 10, 6, 34.857142857142854],
    [two, 0, 15, 5, 9.100000000000001],
    [two, 3, 13, 10, 7.880000000000001],
    [flat, 0, 10, 5, 0.2833333333333338],
    [flat, 3, 8, 4, 0.26666666666666694],
    [noise, 0, 20, 16, 3.058253333333333],
    [noise, 3, 18, 7, 2.5762666666666667],
  ] as const) {
    const found = candidate(values, { start, end }, 1)
    t.equal(found?.index, index)
    t.ok(Math.abs((found?.q ?? 0) - q) < 1e-9, `${found?.q}, want ${q}`)
  }
  t.end()
})

t.test('changes are found where Otava finds them, with the levels on either side', (t) => {
  const options = { alpha: 0.05, seed: 1 }
  t.match(changePoints(step, options), [{ index: 6, before: 100, after: 112 }])
  t.match(changePoints(two, options), [
    { index: 5, before: 10, after: 12 },
    { index: 10, before: 12, after: 9 },
  ])
  t.same(changePoints(flat, options), [])
  t.same(changePoints(noise, options), [])
  t.same(changePoints(step.slice(3, 10), options), [], 'seven values are too few')
  t.same(changePoints(step, options), changePoints(step, options), 'the same seed, the same answer')
  t.end()
})

t.test('in series without a change at most about 5 % have one', (t) => {
  const random = randomStream(99)
  let wrong = 0
  for (let series = 0; series < 200; series += 1) {
    const values = Array.from({ length: 12 }, () => random())
    if (changePoints(values, { alpha: 0.05, seed: series }).length > 0) wrong += 1
  }
  // why: of 200 series with a chance of 5 % each, more than 20 come in less than one case of 600
  t.ok(wrong <= 20, `${wrong} of 200`)
  t.end()
})

t.test('a change does not depend on the unit', (t) => {
  fc.assert(
    fc.property(fc.double({ min: 0.001, max: 1000, noNaN: true }), (unit) => {
      const found = changePoints(
        step.map((value) => value * unit),
        { alpha: 0.05, seed: 1 },
      )
      return found.length === 1 && found[0]?.index === 6
    }),
    { numRuns: 10 },
  )
  t.end()
})

t.test(
  'the interval of a median is exact: coverages as SciPy 1.17.1 gives them (binom.cdf)',
  (t) => {
    const values = (n: number): readonly number[] =>
      Array.from({ length: n }, (_, index) => index + 1)
    for (const [n, low, high, confidence] of [
      [2, 1, 2, 0.5],
      [3, 1, 3, 0.75],
      [6, 1, 6, 0.96875],
      [10, 2, 9, 0.978515625],
      [12, 3, 10, 0.96142578125],
      [24, 7, 18, 0.9773441553115845],
    ] as const) {
      const found = medianInterval(values(n), 0.95)
      t.same(found?.interval, [low, high])
      t.ok(Math.abs((found?.confidence ?? 0) - confidence) < 1e-12)
    }
    t.equal(medianInterval([5], 0.95), undefined)
    t.throws(() => medianInterval([1, 2], 95), /wantedConfidence: got 95/)
    t.end()
  },
)
