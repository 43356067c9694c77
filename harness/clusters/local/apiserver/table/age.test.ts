import t from 'tap'
import { humanDuration } from './age.ts'

await t.test('ages are shown as kubectl shows them', (t) => {
  const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000]
  const cases: readonly (readonly [number, string])[] = [
    [-5 * second, '<invalid>'],
    [-1 * second, '0s'],
    [0, '0s'],
    [119 * second, '119s'],
    [2 * minute, '2m'],
    [5 * minute + 12 * second, '5m12s'],
    [10 * minute + 12 * second, '10m'],
    [179 * minute, '179m'],
    [3 * hour + 5 * minute, '3h5m'],
    [8 * hour + 5 * minute, '8h'],
    [47 * hour, '47h'],
    [2 * day + 4 * hour, '2d4h'],
    [8 * day + 4 * hour, '8d'],
    [412 * day, '412d'],
    [3 * 365 * day + 12 * day, '3y12d'],
    [9 * 365 * day, '9y'],
  ]
  for (const [sinceMs, expected] of cases) t.equal(humanDuration(sinceMs), expected)
  t.end()
})
