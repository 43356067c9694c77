/** Reference values: tables of the chi-square and normal distributions; df = 4 in closed form, exp(-x/2) (1 + x/2). */
import t from 'tap'
import { chiSquareEqual, chiSquareTail, normalTail, runsTest } from './statistics.ts'

function near(actual: number, wanted: number): boolean {
  return Math.abs(actual - wanted) <= Math.abs(wanted) * 1e-6
}

t.test('tails agree with tables', (t) => {
  t.ok(near(chiSquareTail(3.841_458_820_694_124, 1), 0.05))
  t.ok(near(chiSquareTail(18.466_826_952_903_17, 4), 0.001))
  t.ok(near(chiSquareTail(69.4, 4), 3.038_433_208_758_168e-14), String(chiSquareTail(69.4, 4)))
  t.ok(near(normalTail(1.959_963_984_540_054), 0.025))
  t.ok(near(normalTail(-1), 0.841_344_746_068_543))
  t.equal(chiSquareTail(0, 3), 1)
  t.end()
})

t.test('equal shares pass, skewed ones do not', (t) => {
  t.ok(chiSquareEqual([334, 333, 333]).p > 0.9)
  t.ok(chiSquareEqual([400, 300, 300]).p < 0.001)
  t.end()
})

t.test('a strict cycle and clumps are no chance order', (t) => {
  const cycle = Array.from({ length: 300 }, (_, at) => at % 3)
  const clumps = Array.from({ length: 300 }, (_, at) => Math.floor(at / 100))
  t.ok(runsTest(cycle).p < 1e-6)
  t.ok(runsTest(clumps).p < 1e-6)
  let state = 12_345
  const chance = Array.from({ length: 300 }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor(state / 65_536) % 3
  })
  t.ok(runsTest(chance).p > 0.001)
  t.end()
})
