import t from 'tap'
import { merge, recorder } from './histogram.ts'

t.test('a quantile needs 50 samples beyond it: 4999 samples have no p99, 5000 have', (t) => {
  const few = recorder()
  for (let us = 1; us <= 4_999; us += 1) few.record(us)
  t.equal(few.summary().p99Us, undefined)
  t.ok(few.summary().p90Us)
  few.record(5_000)
  const { p99Us = 0, p999Us } = few.summary()
  t.ok(Math.abs(p99Us - 4_950) <= 5, `${p99Us}`)
  t.equal(p999Us, undefined)
  t.end()
})

t.test('fractions are rounded, not floored, and what is too long counts as a minute', (t) => {
  const one = recorder()
  one.record(1.6)
  one.record(1e12)
  t.equal(one.summary().minUs, 2)
  t.ok(Math.abs(one.summary().maxUs - 60_000_000) < 60_000)
  t.end()
})

t.test('encoded histograms can be put together', (t) => {
  const all = [10, 20].map((us) => {
    const one = recorder()
    for (let count = 0; count < 100; count += 1) one.record(us)
    return one.summary().encoded
  })
  t.match(merge(all), { count: 200, minUs: 10, maxUs: 20, p50Us: 10 })
  t.equal(merge(['']), undefined)
  t.end()
})
