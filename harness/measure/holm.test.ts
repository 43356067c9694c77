import t from 'tap'
import { holm } from './holm.ts'

/** R 4.2: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm"). */
t.test('agrees with R', (t) => {
  const adjusted = holm([0.01, 0.04, 0.03, 0.005])
  t.same(
    adjusted.map((p) => Math.round(p * 1000) / 1000),
    [0.03, 0.06, 0.06, 0.02],
  )
  t.same(holm([]), [])
  t.same(holm([0.9, 0.8]), [1, 1], 'never more than 1')
  t.end()
})
