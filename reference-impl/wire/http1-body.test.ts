import fc from 'fast-check'
import t from 'tap'
import { BodyReader } from './http1-body.ts'

/** Reads `text` in pieces cut at `cuts`; returns the payload, the bytes taken, and how it ended. */
function read(
  text: string,
  cuts: readonly number[] = [],
): { data: string; taken: number; ended: string } {
  const reader = new BodyReader()
  reader.beginChunked()
  const bytes = Buffer.from(text, 'latin1')
  const points = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort(
    (a, b) => a - b,
  )
  let at = 0
  let data = ''
  for (const point of points) {
    if (point <= at || reader.isDone || reader.isFaulty) continue
    at = reader.consume(bytes, at, point, (from, to) => {
      data += bytes.toString('latin1', from, to)
    })
  }
  return {
    data,
    taken: at,
    ended: reader.isDone ? 'done' : reader.isFaulty ? reader.cause : 'more',
  }
}

t.test('chunks are unpacked, extensions ignored, trailers passed over', async (t) => {
  t.same(read('3\r\nabc\r\n0\r\n\r\n'), { data: 'abc', taken: 13, ended: 'done' })
  t.equal(
    read('3;a=b;c="d; \\"\\\xe9";e\r\nabc\r\nA\r\n0123456789\r\n000\r\nX: y\r\nZ:\r\n\r\n').data,
    'abc0123456789',
  )
  t.equal(read('0\r\n\r\nGET / HTTP/1.1').taken, 5, 'what follows belongs to the next message')
})

t.test('framing that is not exactly right is refused', async (t) => {
  for (const bad of [
    'x\r\n',
    '-1\r\n',
    '+3\r\n',
    '0x3\r\n',
    ' 3\r\n',
    '3 \r\nabc\r\n',
    '3\nabc\n',
    '3\r\rabc',
    '\r\n',
    '3\r\nabcd\r\n',
    '3\r\nabc\n0\r\n\r\n',
    '3\r\nabc\r0',
    'ffffffffffffffff\r\n',
    '10000000000000000\r\n',
    '3;a=\nabc',
    '3;\r\nabc\r\n',
    '3;=b\r\nabc\r\n',
    '3;a=\r\nabc\r\n',
    '3;a=b"\r\nabc\r\n',
    '3;a="b\r\nabc\r\n',
    '3;a="b"c\r\nabc\r\n',
    '3;a="b\\"\r\nabc\r\n',
    '3;a=b c\r\nabc\r\n',
    '3; a=b\r\nabc\r\n',
    '3;a=\xe9\r\nabc\r\n',
    '3;a=\0\r\nabc',
    '0\r\n bad\r\n\r\n',
    '0\r\nX : y\r\n\r\n',
    '0\r\nX: \n\r\n',
    '0\r\n\n',
    `3;${'e'.repeat(5000)}\r\nabc\r\n`,
    `0\r\nX: ${'t'.repeat(17_000)}\r\n\r\n`,
  ]) {
    t.notMatch(read(bad).ended, /^(done|more)$/, JSON.stringify(bad.slice(0, 30)))
  }
})

t.test('it does not matter how the bytes are cut', async (t) => {
  const chunk = fc.tuple(
    fc.stringMatching(/^[a-z\r\n]{1,40}$/),
    fc.constantFrom('', ';x', ';a="b"'),
  )
  const property = fc.property(
    fc.array(chunk),
    fc.array(fc.nat()),
    fc.string(),
    (chunks, cuts, next) => {
      const text = chunks
        .map(([data, ext]) => `${data.length.toString(16)}${ext}\r\n${data}\r\n`)
        .join('')
      const got = read(`${text}0\r\n\r\n${next}`, cuts)
      return (
        got.ended === 'done' &&
        got.data === chunks.map(([data]) => data).join('') &&
        got.taken === text.length + 5
      )
    },
  )
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }))
})

t.test('a length is counted to the byte, and an open end takes all', async (t) => {
  const reader = new BodyReader()
  const bytes = Buffer.alloc(10)
  reader.beginLength(12)
  t.equal(reader.consume(bytes, 0, 10), 10)
  t.equal(reader.isDone, false)
  t.equal(reader.consume(bytes, 4, 10), 6)
  t.equal(reader.isDone, true)
  reader.beginLength(0)
  t.equal(reader.isDone, true)
  reader.beginUntilClose()
  t.equal(reader.consume(bytes, 0, 10), 10)
  t.equal(reader.isDone, false)
  t.equal(reader.endsAtClose, true)
})
