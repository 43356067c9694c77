import { decode, encode } from 'dns-packet'
import fc from 'fast-check'
import t from 'tap'
import { readAnswers } from './dns-answers.ts'
import { isEncodable, readName, type Name } from './dns-name.ts'
import { parseQuery } from './dns-query.ts'
import { parseResponse } from './dns-response.ts'
import { writeResponse } from './dns-writer.ts'
import type { ResourceRecord } from './dns-record.ts'

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,15}[a-z0-9])?$/)
const name: fc.Arbitrary<Name> = fc.array(label, { minLength: 1, maxLength: 6 })

t.test('a name in a question is read as it was written, in lower case', async (t) => {
  fc.assert(
    fc.property(name, fc.boolean(), (labels, upper) => {
      const text = labels.join('.')
      const message = encode({
        type: 'query',
        questions: [{ name: upper ? text.toUpperCase() : text, type: 'A' }],
      })
      const query = parseQuery(message)
      return (
        readName(message, 12)?.join('.') === text &&
        query?.kind === 'query' &&
        query.questionEnd === message.length
      )
    }),
  )
  t.pass()
})

t.test('equal questions have equal keys, whatever their case, others have not', async (t) => {
  const keyOf = (text: string, type: string): string => {
    const query = parseQuery(
      encode({ type: 'query', questions: [{ name: text, type: type as 'A' }] }),
    )
    return query?.kind === 'query' ? query.key : 'none'
  }
  fc.assert(
    fc.property(name, name, (one, other) => {
      const [a, b] = [one.join('.'), other.join('.')]
      return (
        keyOf(a, 'A') === keyOf(a.toUpperCase(), 'A') &&
        keyOf(a, 'A') !== keyOf(a, 'AAAA') &&
        (a === b) === (keyOf(a, 'A') === keyOf(b, 'A'))
      )
    }),
  )
  // HTTPS is type 65, the code of "A": only letters of the name may be folded
  t.not(keyOf('a', 'HTTPS'), keyOf('a', 'UNKNOWN_97'))
})

t.test('what is written, another implementation reads', async (t) => {
  const ipv4 = fc.ipV4()
  const ipv6 = fc.ipV6()
  const data: fc.Arbitrary<ResourceRecord['data']> = fc.oneof(
    ipv4.map((address) => ({ type: 'A' as const, address })),
    ipv6.map((address) => ({ type: 'AAAA' as const, address })),
    name.map((target) => ({ type: 'CNAME' as const, target })),
    fc
      .tuple(name, fc.nat(65_535))
      .map(([target, port]) => ({ type: 'SRV' as const, priority: 1, weight: 2, port, target })),
    fc.string({ maxLength: 40 }).map((text) => ({
      type: 'TXT' as const,
      text: text.replaceAll(/[^ -~]/g, ''),
    })),
  )
  const record = fc.record({ name, ttlSeconds: fc.nat(2 ** 31 - 1), data })
  fc.assert(
    fc.property(name, fc.array(record, { maxLength: 12 }), (asked, answers) => {
      const query = encode({ type: 'query', questions: [{ name: asked.join('.'), type: 'A' }] })
      const { bytes, recordEnds } = writeResponse(0x8400, query.subarray(12), {
        answers,
        authority: [],
        additional: [],
      })
      const read = decode(bytes)
      const same = (read.answers ?? []).every((one, i) => {
        const want = answers[i]
        return want !== undefined && one.name === want.name.join('.') && sameData(one as Read, want)
      })
      return (
        same &&
        read.answers?.length === answers.length &&
        (recordEnds.at(-1) ?? bytes.length) === bytes.length
      )
    }),
    { numRuns: 500 },
  )
  t.pass()
})

interface Read {
  readonly type: string
  readonly data?: unknown
  readonly ttl?: number
}

function sameData(read: Read, want: ResourceRecord): boolean {
  const { data } = want
  if (read.ttl !== want.ttlSeconds) return false
  switch (data.type) {
    case 'A':
      return read.data === data.address
    case 'AAAA':
      return (
        new URL(`http://[${String(read.data)}]`).host === new URL(`http://[${data.address}]`).host
      )
    case 'CNAME':
      return read.data === data.target.join('.')
    case 'SRV':
      return (read.data as { target: string; port: number }).target === data.target.join('.')
    case 'TXT':
      return String(read.data) === data.text
    default:
      return false
  }
}

t.test('bytes of any kind are read or refused, never a crash', async (t) => {
  const valid = encode({
    type: 'query',
    id: 1,
    questions: [{ name: 'web.default.svc.cluster.local', type: 'A' }],
    additionals: [{ type: 'OPT', name: '.', udpPayloadSize: 1232, flags: 0, options: [] }] as never,
  })
  const answer = encode({
    type: 'response',
    questions: [{ name: 'a.example', type: 'A' }],
    answers: [
      { name: 'a.example', type: 'CNAME', data: 'b.example', ttl: 30 },
      { name: 'b.example', type: 'A', data: '192.0.2.1', ttl: 30 },
      { name: 'b.example', type: 'MX', data: { preference: 1, exchange: 'm.example' }, ttl: 30 },
    ],
  })
  const mutated = fc
    .tuple(
      fc.constantFrom(valid, answer),
      fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 6 }),
      fc.nat(120),
    )
    .map(([base, changes, cut]) => {
      const bytes = Buffer.from(base)
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
      return bytes.subarray(0, Math.max(0, bytes.length - (cut > 60 ? 0 : cut)))
    })
  const any = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes))
  fc.assert(
    fc.property(fc.oneof(mutated, any), (bytes) => {
      const query = parseQuery(bytes)
      const response = parseResponse(bytes)
      if (response !== undefined) readAnswers(bytes)
      if (query?.kind === 'query') return query.questionEnd <= bytes.length
      return true
    }),
    { numRuns: 20_000 },
  )
  t.pass()
})

t.test('pointers that lead nowhere or in circles end', async (t) => {
  const loop = Buffer.alloc(20)
  loop[12] = 0xc0
  loop[13] = 12
  t.equal(readName(loop, 12), undefined, 'to itself')
  loop[14] = 0xc0
  loop[15] = 12
  loop[13] = 14
  t.equal(readName(loop, 14), undefined, 'to each other')
  t.equal(readName(Buffer.from([0xff]), 0), undefined, 'cut')
  t.equal(isEncodable(['x'.repeat(64)]), false)
  t.equal(isEncodable(Array.from({ length: 5 }, () => 'x'.repeat(63))), false)
})
