import t from 'tap'
import { patternByte, patternBytes } from './pattern.ts'

t.test('bytes of the pattern are the same however they are cut', (t) => {
  t.same([0, 1, 250, 251, 65_535, 65_536, 65_537].map(patternByte), [0, 1, 250, 0, 24, 24, 27])
  for (const from of [0, 1, 65_530, 2 ** 24 - 3, 2 ** 32 - 5, 2 ** 40 + 7]) {
    const expected = Uint8Array.from({ length: 70_000 }, (_, index) => patternByte(from + index))
    t.ok(Buffer.from(expected).equals(patternBytes(from, 70_000)), `from ${from}`)
  }
  t.equal(patternBytes(5, 0).length, 0)
  t.end()
})

t.test('a piece that is lost or doubled does not go unnoticed', (t) => {
  for (const shift of [1, 251, 256, 1448, 65_536, 251 * 65_536]) {
    const there = Buffer.from(patternBytes(0, 100_000))
    t.notOk(there.equals(patternBytes(shift, 100_000)), `shifted by ${shift}`)
  }
  t.end()
})
