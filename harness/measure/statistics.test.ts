import fc from 'fast-check'
import t from 'tap'
import { hodgesLehmann, hodgesLehmannInterval } from './hodges-lehmann.ts'
import { coinFlips } from './order.ts'
import { median, quantile } from './quantile.ts'
import { signedRank } from './wilcoxon.ts'

/** Depression scores before and after, Hollander and Wolfe table 3.1 (differences), and two made up. */
const hollander = [0.952, -0.147, 1.022, 0.43, 0.62, 0.59, 0.49, -0.08, 0.01]
const eight = [0.3, -0.1, 0.7, 1.2, -0.4, 0.9, 0.5, 2.1]
const six = [-1.5, -2.5, -0.5, -3.5, 1.0, -4.5]

t.test(
  'the exact signed-rank test agrees with SciPy 1.17.1 (scipy.stats.wilcoxon, method="exact")',
  (t) => {
    const vectors: readonly (readonly [readonly number[], number, number, number, number])[] = [
      [hollander, 40, 0.01953125, 0.986328125, 0.0390625],
      [eight, 32, 0.02734375, 0.98046875, 0.0546875],
      [six, 2, 0.96875, 0.046875, 0.09375],
    ]
    for (const [values, wPlus, pGreater, pLess, pTwoSided] of vectors) {
      const found = signedRank(values)
      t.equal(found.wPlus, wPlus)
      t.equal(found.pGreater, pGreater)
      t.equal(found.pLess, pLess)
      t.equal(found.pTwoSided, pTwoSided)
    }
    t.end()
  },
)

t.test(
  'ties get mid-ranks: equal to counting all 256 sign patterns (NumPy 2, brute force)',
  (t) => {
    const found = signedRank([1, 1, -1, 2, 2, 3, -2, 4])
    t.equal(found.wPlus, 29)
    t.equal(found.pGreater, 0.08203125)
    t.equal(found.pLess, 0.95703125)
    t.end()
  },
)

t.test('estimate and exact interval agree with R 4.2.2 (wilcox.test, exact, conf.int)', (t) => {
  const vectors: readonly (readonly [
    readonly number[],
    number,
    number,
    readonly [number, number],
  ])[] = [
    [hollander, 0.46, 0.95, [0.01, 0.786]],
    [hollander, 0.46, 0.9, [0.175, 0.726]],
    [hollander, 0.46, 0.99, [-0.1135, 0.987]],
    [eight, 0.6, 0.95, [-0.05, 1.4]],
    [eight, 0.6, 0.9, [0.1, 1.2]],
    [eight, 0.6, 0.99, [-0.4, 2.1]],
    [six, -2, 0.95, [-4.5, 1]],
    [six, -2, 0.9, [-3.5, -0.25]],
  ]
  for (const [values, estimate, wanted, [low, high]] of vectors) {
    t.ok(Math.abs(hodgesLehmann(values) - estimate) < 1e-12)
    const found = hodgesLehmannInterval(values, wanted)
    t.ok(found !== undefined && found.confidence >= wanted)
    t.ok(
      Math.abs((found?.interval[0] ?? NaN) - low) < 1e-12,
      `low end ${String(found?.interval[0])}`,
    )
    t.ok(
      Math.abs((found?.interval[1] ?? NaN) - high) < 1e-12,
      `high end ${String(found?.interval[1])}`,
    )
  }
  t.end()
})

t.test('six values cannot give 99 %: the interval says what it gives, 96.875 %', (t) => {
  t.match(hodgesLehmannInterval(six, 0.99), { interval: [-4.5, 1], confidence: 0.96875 })
  t.equal(hodgesLehmannInterval([1], 0.95), undefined)
  t.end()
})

t.test(
  'properties: shifting all values shifts estimate and interval, order makes no difference',
  (t) => {
    const values = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 2, maxLength: 24 })
    fc.assert(
      fc.property(values, fc.integer({ min: -500, max: 500 }), (all, shift) => {
        const moved = hodgesLehmann(all.map((value) => value + shift))
        return Math.abs(moved - (hodgesLehmann([...all].reverse()) + shift)) < 1e-9
      }),
    )
    fc.assert(
      fc.property(values, (all) => {
        const found = hodgesLehmannInterval(all, 0.9)
        const estimate = hodgesLehmann(all)
        return found !== undefined && found.interval[0] <= estimate && estimate <= found.interval[1]
      }),
    )
    fc.assert(
      fc.property(values, (all) => {
        const { pGreater, pLess } = signedRank(all)
        return pGreater + pLess >= 1 - 1e-9 && pGreater > 0 && pLess > 0
      }),
    )
    t.end()
  },
)

t.test('quantiles agree with NumPy (default, linear)', (t) => {
  t.equal(median([3, 1, 2]), 2)
  t.equal(median([4, 1, 2, 3]), 2.5)
  t.equal(quantile([1, 2, 3, 4], 0.9), 3.7)
  t.throws(() => quantile([], 0.5), { message: 'a quantile of no values does not exist' })
  t.throws(() => quantile([1], 1.5), { message: 'q: got 1.5, want 0 to 1' })
  t.end()
})

t.test('coin flips: equal seeds give equal flips, and the coin is fair', (t) => {
  t.same(coinFlips(7, 50), coinFlips(7, 50))
  t.notSame(coinFlips(7, 50), coinFlips(8, 50))
  const heads = coinFlips(1, 10_000).filter((flip) => flip).length
  t.ok(Math.abs(heads - 5_000) < 4 * 50, `${heads} of 10000: within four standard deviations`)
  t.end()
})
