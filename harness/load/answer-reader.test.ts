import fc from 'fast-check'
import t from 'tap'
import { answerReader, type RawAnswer } from './answer-reader.ts'

const head = 'HTTP/1.1 200 OK\r\n'

/** Feeds bytes in pieces that are overwritten afterwards, as the shared read buffer is. */
function read(pieces: readonly string[]): readonly [number, string, boolean, boolean][] {
  const reader = answerReader()
  const seen: [number, string, boolean, boolean][] = []
  const take = (answer: RawAnswer | 'malformed' | undefined): void => {
    if (answer === 'malformed') throw new Error('malformed')
    if (answer === undefined) return
    seen.push([answer.status, answer.body.toString('latin1'), answer.closes, answer.hasMore])
  }
  for (const piece of pieces) {
    const bytes = Buffer.from(piece, 'latin1')
    take(reader.push(bytes))
    bytes.fill('#')
  }
  take(reader.end())
  return seen
}

const answers: readonly (readonly [string, number, string, boolean])[] = [
  [`${head}Content-Length: 5\r\n\r\nhello`, 200, 'hello', false],
  [`${head}content-length:0\r\nConnection: close\r\n\r\n`, 200, '', true],
  [
    `${head}Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=1\r\nllo\r\n0\r\n\r\n`,
    200,
    'hello',
    false,
  ],
  [`${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n`, 200, 'hello', false],
  ['HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n', 304, '', false],
  [`HTTP/1.1 100 Continue\r\n\r\n${head}Content-Length: 2\r\n\r\nok`, 200, 'ok', false],
  [`${head}\r\nuntil the end`, 200, 'until the end', true],
]

t.test('every framing, cut into pieces anywhere', (t) => {
  for (const [bytes, status, body, closes] of answers) {
    t.same(read([bytes]), [[status, body, closes, false]], JSON.stringify(bytes))
    fc.assert(
      fc.property(
        fc.array(fc.nat(bytes.length), { maxLength: 8 }).map((cuts) => cuts.sort((a, b) => a - b)),
        (cuts) => {
          const pieces = [0, ...cuts].map((from, index) => bytes.slice(from, cuts[index]))
          const [found] = read(pieces)
          return found?.[0] === status && found[1] === body && found[2] === closes
        },
      ),
      { numRuns: 200 },
    )
  }
  t.end()
})

t.test('one answer after the other on one connection', (t) => {
  const kept = answers.slice(0, 6).map(([bytes]) => bytes)
  t.same(
    read(kept).map(([, body]) => body),
    ['hello', '', 'hello', 'hello', '', 'ok'],
  )
  t.end()
})

t.test('bytes beyond an answer are noticed, nonsense is malformed', (t) => {
  t.same(read([`${head}Content-Length: 2\r\n\r\nokay`]), [[200, 'ok', false, true]])
  const reader = answerReader()
  t.equal(reader.push(Buffer.from('SSH-2.0-x\r\n\r\n')), 'malformed')
  t.equal(
    answerReader().push(Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`)),
    'malformed',
  )
  t.end()
})
