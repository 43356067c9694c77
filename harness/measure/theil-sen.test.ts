import t from 'tap'
import { theilSenSlope } from './theil-sen.ts'

t.test('the slope of a line, whatever one point does', async (t) => {
  t.equal(
    theilSenSlope([
      [0, 1],
      [1, 3],
      [2, 5],
      [3, 7],
    ]),
    2,
  )
  t.equal(
    theilSenSlope([
      [0, 0],
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 900],
    ]),
    1,
  )
})

t.test('points above each other say nothing, alone they are no line', async (t) => {
  t.equal(
    theilSenSlope([
      [0, 0],
      [0, 5],
      [2, 4],
      [2, 6],
    ]),
    1.25,
  )
  t.throws(
    () =>
      theilSenSlope([
        [1, 1],
        [1, 2],
      ]),
    RangeError,
  )
})
