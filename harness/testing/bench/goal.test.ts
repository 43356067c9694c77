import t from 'tap'
import { judged } from './goal.ts'

t.test('a goal is judged by its median and says by how much it is missed', async (t) => {
  t.equal(
    judged({ what: 'rps', values: [0.9, 0.98, 1], unit: 'x', atLeast: 0.97 }),
    'rps: 0.980 (0.900 to 1.000)x, wanted >= 0.97x: reached; 2 of 3 reach it',
  )
  t.match(
    judged({ what: 'p50', values: [1.5, 2, 3], unit: 'x', atMost: 1 }),
    /missed by 100 %; 0 of 3 reach it$/,
  )
  t.match(judged({ what: 'RSS', values: [120], unit: ' MiB', atLeast: 200 }), /missed by 40 %/)
})

t.test('an arm that was left out is not measured, never reached', async (t) => {
  t.equal(
    judged({ what: 'rps', values: [], unit: 'x', atLeast: 1 }),
    'rps: not measured, wanted >= 1x',
  )
})
