import t from 'tap'
import { backOff } from './back-off.ts'

t.test('pauses as Kubernetes makes them: none, 10 s, doubled, 5 minutes at most', (t) => {
  const pauses = backOff()
  t.same(
    Array.from({ length: 8 }, () => pauses.next(1_000)),
    [0, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000],
  )
  t.end()
})

t.test('a longest pause that is shorter than the first is the first', (t) => {
  const pauses = backOff(10_000, 1_000)
  t.same(
    Array.from({ length: 4 }, () => pauses.next(1_000)),
    [0, 1_000, 1_000, 1_000],
  )
  t.end()
})
