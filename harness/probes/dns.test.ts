import { createSocket } from 'node:dgram'
import { type AddressInfo, createServer } from 'node:net'
import packet from 'dns-packet'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { nameProblem, encodeQuery, typeNumber } from './dns-query.ts'
import { runJob } from './run.ts'

const { signal } = new AbortController()

t.test('queries are what dns-packet, another codec, reads in them', (t) => {
  const label = fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/)
  const types = fc.constantFrom('A', 'AAAA', 'SRV', 'PTR', 'TXT', 'SOA', 'CAA')
  const edns = fc.option(
    fc.record({ payloadBytes: fc.integer({ min: 512, max: 4096 }), dnssecOk: fc.boolean() }),
    { nil: undefined },
  )
  fc.assert(
    fc.property(
      fc.array(label, { minLength: 1, maxLength: 8 }),
      types,
      fc.integer({ min: 0, max: 0xffff }),
      fc.boolean(),
      edns,
      (labels, type, id, recursionDesired, opt) => {
        const query = {
          name: labels.join('.'),
          type,
          recursionDesired,
          ...(opt !== undefined && { edns: opt }),
        }
        const read = packet.decode(encodeQuery(id, query))
        t.match(read, {
          id,
          type: 'query',
          flag_rd: recursionDesired,
          questions: [{ name: query.name, type, class: 'IN' }],
          additionals:
            opt === undefined
              ? []
              : [{ type: 'OPT', udpPayloadSize: opt.payloadBytes, flag_do: opt.dnssecOk }],
        })
      },
    ),
    { numRuns: 50 },
  )
  t.end()
})

t.test('a name: root, dots inside labels, and what is no name', (t) => {
  const name = (text: string): string =>
    encodeQuery(0, { name: text, type: 'A' }).subarray(12, -4).toString('latin1')
  t.equal(name('.'), '\0')
  t.equal(name('a.bc.'), '\x01a\x02bc\0')
  t.equal(name('a\\.b.c'), '\x03a.b\x01c\0')
  t.equal(name('\\000\\255.c'), '\x02\0\xff\x01c\0')
  t.equal(nameProblem('a..b'), 'label "" has 0 bytes, want 1 to 63')
  t.equal(nameProblem(''), 'label "" has 0 bytes, want 1 to 63')
  t.match(nameProblem('x'.repeat(64)), /has 64 bytes/)
  t.match(nameProblem(`${'x'.repeat(60)}.`.repeat(5)), /has 306 bytes, want 255/)
  t.equal(typeNumber('TYPE65'), 65)
  t.equal(typeNumber('TYPE65536'), undefined)
  t.end()
})

/** A name server that answers every query with the same bytes after its id. */
async function nameServer(t: Test, answer: (query: Buffer) => Buffer): Promise<number> {
  const socket = createSocket('udp4')
  socket.on('message', (query, { port, address }) => {
    socket.send(answer(query), port, address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  t.teardown(() => socket.close())
  return socket.address().port
}

t.test('answers that are none: cut, to another question, with another id', async (t) => {
  const job = (port: number): Parameters<typeof runJob>[0] => ({
    kind: 'dns',
    server: { address: '127.0.0.1', port },
    name: 'web.example.org',
    type: 'A',
    transport: 'udp',
    timeoutMs: 5_000,
  })
  const cut = await nameServer(t, (query) => {
    const answer = Buffer.from(query.subarray(0, -3))
    answer.writeUInt16BE(0x8180, 2)
    return answer
  })
  t.match(await runJob(job(cut), signal), { kind: 'malformed', detail: /cannot be read/ })
  const other = await nameServer(t, (query) =>
    packet.encode({
      type: 'response',
      id: query.readUInt16BE(0),
      questions: [{ name: 'other.example.org', type: 'A' }],
    }),
  )
  t.match(await runJob(job(other), signal), { kind: 'malformed', detail: /to other.example.org A/ })
  const stranger = await nameServer(t, (query) =>
    packet.encode({ type: 'response', id: query.readUInt16BE(0) ^ 1 }),
  )
  t.match(await runJob({ ...job(stranger), timeoutMs: 100 }, signal), { kind: 'timed-out' })
})

t.test('a type that dns-packet does not know is told as RFC 3597 has it', async (t) => {
  const port = await nameServer(t, (query) => {
    const record = Buffer.from('c00c0041000100000007000300010a', 'hex')
    const answer = Buffer.concat([query, record])
    answer.writeUInt16BE(0x8580, 2)
    answer.writeUInt16BE(1, 6)
    return answer
  })
  const server = { address: '127.0.0.1', port }
  const seen = await runJob(
    { kind: 'dns', server, name: 'a.b', type: 'HTTPS', transport: 'udp', timeoutMs: 5_000 },
    signal,
  )
  t.match(seen, {
    authoritative: true,
    recursionAvailable: true,
    answers: [{ name: 'a.b', type: 'TYPE65', ttlSeconds: 7, data: '\\# 3 00010a' }],
  })
})

t.test('a server that hangs up inside its answer over TCP: closed, not reset', async (t) => {
  const server = createServer((socket) => {
    socket.on('data', () => socket.end(Buffer.from('001000', 'hex')))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const seen = await runJob(
    {
      kind: 'dns',
      server: { address: '127.0.0.1', port: (server.address() as AddressInfo).port },
      name: 'a.b',
      type: 'A',
      transport: 'tcp',
      timeoutMs: 5_000,
    },
    signal,
  )
  t.match(seen, { kind: 'closed', detail: /after 3 bytes/ })
})
