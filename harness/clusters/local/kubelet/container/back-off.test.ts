import t from 'tap'
import { backOff } from './back-off.ts'

t.test('pauses as Kubernetes makes them: none, 10 s, doubled, 5 minutes at most', (t) => {
  const { next } = backOff()
  t.same(
    Array.from({ length: 8 }, () => next(1_000)),
    [0, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000],
  )
  t.end()
})

t.test('a longest pause that is shorter than the first is the first', (t) => {
  const { next } = backOff(10_000, 1_000)
  t.same(
    Array.from({ length: 4 }, () => next(1_000)),
    [0, 1_000, 1_000, 1_000],
  )
  t.end()
})
