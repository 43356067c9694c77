import { type Arrived } from '../support/http-backend.ts'
import { requestBytes } from '../support/http1.ts'
import { valuesOf } from '../support/http1-message.ts'

/** A message that two programs on a path could read in different ways. */
export interface SmugglingCase {
  /** Row that judges it. */
  readonly row: string
  readonly name: string
  readonly source: string
  /** What is sent, piece by piece, in Latin-1; every path has the word in it. */
  bytes(word: string): readonly string[]
  /** Status codes of a refusal. */
  readonly refusals: readonly number[]
  /**
   * What may reach the backend: nothing unless told; a part of it, which is never complete and ends refused or with a
   * closed connection; or one request that means the same to everybody.
   */
  readonly passes?: 'part' | 'one'
  /** What makes the request that passed ambiguous, or another one than was sent. */
  wrong?(arrived: Arrived): string | undefined
  /** The connection has to end after a message that was forwarded. */
  readonly closes?: boolean
}

const chunkedHello = '5\r\nhello\r\n0\r\n\r\n'

/** Begins the path of a request that a wrong reader takes for one of its own. */
export const foreign = '/smuggled/'

function smuggled(word: string): string {
  return requestBytes([`GET ${foreign}${word} HTTP/1.1`, 'Host: web.example'])
}

function post(word: string, fields: readonly string[], body: string, version = '1.1'): string {
  return requestBytes([`POST /${word} HTTP/${version}`, 'Host: web.example', ...fields], body)
}

/** CL.TE and TE.CL: Kettle, "HTTP Desync Attacks" (2019). */
const bothLengths: readonly SmugglingCase[] = [
  {
    name: 'CL.TE, a request after the last chunk',
    bytes: (word: string) => {
      const body = `0\r\n\r\n${smuggled(word)}`
      const length = `Content-Length: ${body.length}`
      return [post(word, [length, 'Transfer-Encoding: chunked'], body)]
    },
  },
  {
    name: 'TE.CL, a request inside of a chunk',
    bytes: (word: string) => {
      const size = smuggled(word).length.toString(16)
      const body = `${size}\r\n${smuggled(word)}\r\n0\r\n\r\n`
      const length = `Content-Length: ${size.length + 2}`
      return [post(word, ['Transfer-Encoding: chunked', length], body)]
    },
  },
  {
    name: 'both, and both right',
    bytes: (word: string) => [
      post(word, ['Content-Length: 15', 'Transfer-Encoding: chunked'], chunkedHello),
    ],
  },
].map((one) => ({
  ...one,
  row: 'L7-SMG-001',
  source: 'RFC 9112 §6.3',
  refusals: [400],
  closes: true,
  passes: 'one' as const,
  wrong: ({ fields }: Arrived) =>
    valuesOf(fields, 'content-length').length > 0 &&
    valuesOf(fields, 'transfer-encoding').length > 0
      ? 'it still has both'
      : undefined,
}))

const differentLengths: readonly SmugglingCase[] = [
  ['two fields', ['Content-Length: 5', 'Content-Length: 0']],
  ['two fields, the longer last', ['Content-Length: 0', 'Content-Length: 5']],
  ['a list', ['Content-Length: 5, 0']],
].map(([name, fields]) => ({
  row: 'L7-SMG-002',
  name: String(name),
  source: 'RFC 9112 §6.3',
  refusals: [400],
  bytes: (word) => [post(word, fields as string[], 'hello') + smuggled(word)],
}))

const blankBeforeColon: readonly SmugglingCase[] = [
  ['Content-Length :', 'Content-Length : 5', 'hello'],
  ['Transfer-Encoding with a tab', 'Transfer-Encoding\t: chunked', chunkedHello],
  ['a field without meaning', 'X-Any : 1', ''],
].map(([name = '', field = '', body = '']) => ({
  row: 'L7-SMG-003',
  name,
  source: 'RFC 9112 §5.1',
  refusals: [400],
  bytes: (word) => [post(word, [field], body) + smuggled(word)],
}))

const obfuscated: readonly SmugglingCase[] = [
  ['xchunked', 'Transfer-Encoding: xchunked'],
  ['chunked, identity', 'Transfer-Encoding: chunked, identity'],
  ['in quotes', 'Transfer-Encoding: "chunked"'],
  ['a vertical tab', 'Transfer-Encoding: \x0bchunked'],
  ['chunked twice', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked'],
].flatMap(([name = '', field = '']) => {
  const base = { row: 'L7-SMG-004', source: 'RFC 9112 §6.1', refusals: [400, 501] }
  return [
    { ...base, name, bytes: (word: string) => [post(word, [field], chunkedHello)] },
    {
      ...base,
      name: `${name}, then a request`,
      bytes: (word: string) => [post(word, [field], smuggled(word))],
    },
  ]
})

const legalSpellings: readonly SmugglingCase[] = [
  ['another case', 'Transfer-Encoding: ChunKed'],
  ['a tab before the value', 'Transfer-Encoding:\tchunked'],
].map(([name = '', field = '']) => ({
  row: 'L7-SMG-004',
  name,
  source: 'RFC 9112 §7',
  refusals: [400, 501],
  bytes: (word) => [post(word, [field], chunkedHello)],
  passes: 'one',
  wrong: isHello,
}))

const chunkSizes: readonly SmugglingCase[] = [
  ['no number', 'x\r\nhello\r\n0\r\n\r\n'],
  ['negative', '-5\r\nhello\r\n0\r\n\r\n'],
  ['a sign', '+5\r\nhello\r\n0\r\n\r\n'],
  ['0x', '0x5\r\nhello\r\n0\r\n\r\n'],
  ['64 bits and more', '10000000000000005\r\nhello\r\n0\r\n\r\n'],
  ['none', '\r\nhello\r\n0\r\n\r\n'],
  ['longer than its size', '3\r\nhello\r\n0\r\n\r\n'],
].flatMap(([name = '', body = '']) => {
  const base = {
    row: 'L7-SMG-005',
    source: 'RFC 9112 §7.1',
    refusals: [400],
    passes: 'part' as const,
  }
  const coding = ['Transfer-Encoding: chunked']
  return [
    { ...base, name, bytes: (word: string) => [post(word, coding, body)] },
    {
      ...base,
      name: `${name}, after a right chunk`,
      bytes: (word: string) => [post(word, coding, '2\r\nhe\r\n'), body],
    },
  ]
})

const folded: readonly SmugglingCase[] = [
  {
    name: 'in a field without meaning',
    bytes: (word: string) => [post(word, ['X-Fold: a\r\n b', 'Content-Length: 5'], 'hello')],
    wrong: isHello,
  },
  {
    name: 'in Transfer-Encoding',
    bytes: (word: string) => [post(word, ['Transfer-Encoding:\r\n chunked'], chunkedHello)],
    wrong: isHello,
  },
].map((one) => ({
  ...one,
  row: 'L7-SMG-006',
  source: 'RFC 9112 §5.2',
  refusals: [400],
  passes: 'one' as const,
}))

const controls: readonly SmugglingCase[] = [
  ['NUL', 'X-Any: a\0b'],
  ['CR without LF', 'X-Any: a\rX-Other: b'],
  ['CR at the end of a value', 'X-Any: a\r\r\nX-Other: b'],
  ['LF without CR', 'X-Any: a\nX-Other: b'],
].map(([name = '', field = '']) => ({
  row: 'L7-SMG-007',
  name,
  source: 'RFC 9110 §5.5, RFC 9112 §2.2',
  refusals: [400],
  bytes: (word) => [post(word, [field, 'Content-Length: 5'], 'hello')],
  passes: 'one',
  wrong: isHello,
}))

const hosts: readonly SmugglingCase[] = [
  ['none', []],
  ['two that differ', ['Host: web.example', 'Host: other.example']],
  ['two that are equal', ['Host: web.example', 'Host: web.example']],
].map(([name, fields]) => ({
  row: 'L7-SMG-008',
  name: `Host: ${String(name)}`,
  source: 'RFC 9112 §3.2',
  refusals: [400],
  bytes: (word) => [requestBytes([`GET /${word} HTTP/1.1`, ...(fields as string[])])],
}))

const http10: readonly SmugglingCase[] = [
  ['as it is', []],
  ['with keep-alive', ['Connection: keep-alive']],
].map(([name, fields]) => ({
  row: 'L7-SMG-009',
  name: `HTTP/1.0 ${String(name)}`,
  source: 'RFC 9112 §6.1',
  refusals: [400, 411, 501, 505],
  closes: true,
  bytes: (word) => [
    post(word, ['Transfer-Encoding: chunked', ...(fields as string[])], chunkedHello, '1.0') +
      smuggled(word),
  ],
  passes: 'one',
}))

/** Every case; each is one message of the client. */
export const smugglingCorpus: readonly SmugglingCase[] = [
  ...bothLengths,
  ...differentLengths,
  ...blankBeforeColon,
  ...obfuscated,
  ...legalSpellings,
  ...chunkSizes,
  ...folded,
  ...controls,
  ...hosts,
  ...http10,
]

function isHello({ bodyBytes, complete }: Arrived): string | undefined {
  return complete && bodyBytes === 5 ? undefined : `its body had ${bodyBytes} bytes, not 5`
}
