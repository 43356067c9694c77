import { decode, encode } from 'dns-packet'
import t from 'tap'
import { fakeUpstream, type FakeAnswer } from '../testing/fake-upstream.ts'
import { codeOf, question, summary } from '../testing/dns-client.ts'
import { service, snapshotOf } from '../testing/snapshots.ts'
import { AnswerCache } from './answer-cache.ts'
import { DnsCounters } from './counters.ts'
import type { Answer, Server } from './exchange.ts'
import { Forwarder } from './forwarder.ts'
import { Responder } from './responder.ts'
import { parseResponse } from '../wire/dns-response.ts'

interface Setup {
  readonly counters: DnsCounters
  readonly forwarder: Forwarder
  readonly ask: (name: string, type?: string, overTcp?: boolean) => Promise<Buffer>
}

function serve(t: { teardown(undo: () => void): void }, servers: readonly Server[]): Setup {
  const counters = new DnsCounters()
  const forwarder = new Forwarder({ servers, counters })
  t.teardown(() => forwarder.close())
  const responder = new Responder({
    domain: 'cluster.local',
    ttlSeconds: 5,
    negativeTtlSeconds: 5,
    serverAddress: '127.0.0.1',
    forwarder,
    counters,
  })
  responder.update(
    snapshotOf([
      service('out', { type: 'ExternalName', clusterIps: [], externalName: 'www.example.com' }),
    ]),
  )
  return {
    counters,
    forwarder,
    ask: async (name, type = 'A', overTcp = false) => {
      const reply = await responder.respond(encode(question(name, type)), overTcp)
      if (reply === undefined) throw new Error('no answer')
      return reply
    },
  }
}

const a = (name: string, data: string, ttl = 30): NonNullable<FakeAnswer['answers']>[number] => ({
  name,
  type: 'A',
  ttl,
  data,
})

const soa = {
  name: 'example.com',
  type: 'SOA',
  ttl: 60,
  data: {
    mname: 'ns.example.com',
    rname: 'x.example.com',
    serial: 1,
    refresh: 1,
    retry: 1,
    expire: 1,
    minimum: 20,
  },
} as const

t.test(
  'other names are asked for upstream, remembered, and never claimed as our own',
  async (t) => {
    await using up = await fakeUpstream({
      answer: (name) => ({
        answers: [
          { name, type: 'CNAME', ttl: 30, data: 'b.example.com' },
          a('b.example.com', '192.0.2.1'),
        ],
      }),
    })
    const { ask, counters } = serve(t, [up.server])
    for (const round of ['first', 'cached']) {
      const reply = await ask('WWW.example.com')
      t.same(
        summary(reply),
        ['NOERROR', 'WWW.example.com CNAME b.example.com', 'b.example.com A 192.0.2.1'].sort(
          (x, y) => (x === 'NOERROR' ? -1 : y === 'NOERROR' ? 1 : x < y ? -1 : 1),
        ),
        round,
      )
      t.match(
        decode(reply),
        { flag_aa: false, flag_ra: true, flag_tc: false, additionals: [] },
        round,
      )
    }
    t.equal(up.asked.length, 1)
    t.equal(counters.cacheHits, 1)
  },
)

t.test('answers of other kinds pass as they are', async (t) => {
  await using up = await fakeUpstream({
    answer: (name, type) =>
      type === 'MX'
        ? {
            answers: [
              { name, type: 'MX', ttl: 9, data: { preference: 5, exchange: 'mail.example.com' } },
            ],
          }
        : { answers: [{ name, type: 'TXT', ttl: 9, data: ['v=1', 'x'] }] },
  })
  const { ask } = serve(t, [up.server])
  t.same(summary(await ask('example.com', 'MX')), ['NOERROR', 'example.com MX 5 mail.example.com'])
  t.same(summary(await ask('example.com', 'TXT')), ['NOERROR', 'example.com TXT v=1,x'])
})

t.test('refusals and failures pass as they are', async (t) => {
  for (const code of ['NXDOMAIN', 'SERVFAIL', 'REFUSED'] as const) {
    await using up = await fakeUpstream({ answer: () => ({ code, authorities: [soa] }) })
    const { ask } = serve(t, [up.server])
    t.equal(codeOf(decode(await ask('no.example.com'))), code)
  }
})

t.test('a server that refuses or fails is passed over', async (t) => {
  await using bad = await fakeUpstream({ answer: () => ({ code: 'SERVFAIL' }) })
  await using good = await fakeUpstream({ answer: (name) => ({ answers: [a(name, '192.0.2.2')] }) })
  const { ask } = serve(t, [bad.server, good.server])
  t.same(summary(await ask('a.example')), ['NOERROR', 'a.example A 192.0.2.2'])
  t.equal(bad.asked.length, 1)
})

t.test('a dead server costs the first questions some time, later ones none', async (t) => {
  await using dead = await fakeUpstream({ answer: () => undefined })
  await using good = await fakeUpstream({ answer: (name) => ({ answers: [a(name, '192.0.2.2')] }) })
  const { ask, counters } = serve(t, [dead.server, good.server])
  for (const name of ['a.example', 'b.example', 'c.example'])
    t.same(summary(await ask(name)), ['NOERROR', `${name} A 192.0.2.2`])
  t.same(dead.asked, ['a.example A', 'b.example A'], 'then it comes last')
  t.equal(counters.upstreamFailures.get('127.0.0.1'), 2)
})

t.test('nobody answers: SERVFAIL before clients give up', async (t) => {
  await using dead = await fakeUpstream({ answer: () => undefined })
  const { ask } = serve(t, [dead.server])
  const startedAt = performance.now()
  t.equal(codeOf(decode(await ask('a.example'))), 'SERVFAIL')
  t.ok(performance.now() - startedAt < 5000)
})

t.test('a port that nobody serves is no reason to wait', async (t) => {
  const up = await fakeUpstream({ answer: () => undefined })
  await up[Symbol.asyncDispose]()
  const { ask } = serve(t, [up.server])
  const startedAt = performance.now()
  t.equal(codeOf(decode(await ask('a.example'))), 'SERVFAIL')
  t.ok(performance.now() - startedAt < 700, 'before the second try would start')
})

t.test('what does not fit is asked for over TCP', async (t) => {
  const answers = Array.from({ length: 200 }, (_, i) => a('big.example', `192.0.2.${i}`))
  await using up = await fakeUpstream({ answer: () => ({ answers, truncated: true }) })
  const { ask } = serve(t, [up.server])
  const cut = decode(await ask('big.example'))
  t.match(cut, { flag_tc: true })
  const whole = decode(await ask('big.example', 'A', true))
  t.match(whole, { flag_tc: false })
  t.equal(whole.answers?.length, 200)
  t.same(up.asked, ['big.example A', 'tcp big.example A'], 'asked once, kept whole')
})

t.test('a server without TCP still gives what fits', async (t) => {
  await using up = await fakeUpstream({
    answer: () => ({ answers: [], truncated: true }),
    overTcp: false,
  })
  const { ask } = serve(t, [up.server])
  t.match(decode(await ask('big.example')), { flag_tc: true })
})

t.test('answers to other questions, or with another ID, are not believed', async (t) => {
  await using up = await fakeUpstream({
    answer: (name) => ({ answers: [a(name, '192.0.2.1')] }),
    forge: (right) => {
      const otherId = Buffer.from(right)
      otherId.writeUInt16BE(right.readUInt16BE(0) ^ 1, 0)
      const otherName = encode({
        ...decode(right),
        questions: [{ name: 'evil.example', type: 'A' }],
        answers: [a('a.example', '203.0.113.66')],
      } as never)
      const noResponse = Buffer.from(right)
      noResponse[2] = (noResponse[2] ?? 0) & 0x7f
      return [otherId, otherName, noResponse, Buffer.from('nonsense')]
    },
  })
  const { ask } = serve(t, [up.server])
  t.same(summary(await ask('a.example')), ['NOERROR', 'a.example A 192.0.2.1'])
})

t.test('source ports and IDs are not to be guessed', async (t) => {
  await using up = await fakeUpstream({ answer: (name) => ({ answers: [a(name, '192.0.2.1')] }) })
  const { ask } = serve(t, [up.server])
  for (let i = 0; i < 50; i += 1) await ask(`n${i}.example`)
  // a port may come again by chance: the system chooses among 28,000
  t.ok(new Set(up.sources.map(({ port }) => port)).size > 45)
  t.ok(new Set(up.sources.map(({ id }) => id)).size > 45)
})

t.test('equal questions at the same time are asked once', async (t) => {
  await using up = await fakeUpstream({
    answer: (name) => ({ answers: [a(name, '192.0.2.1', 0)], delayMs: 50 }),
  })
  const { ask } = serve(t, [up.server])
  const replies = await Promise.all(Array.from({ length: 40 }, async () => ask('a.example')))
  for (const reply of replies) t.same(summary(reply), ['NOERROR', 'a.example A 192.0.2.1'])
  t.equal(up.asked.length, 1)
  await ask('a.example')
  t.equal(up.asked.length, 2, 'a TTL of 0 is not kept')
})

t.test('no more askers wait than have room', async (t) => {
  await using up = await fakeUpstream({ answer: () => undefined })
  const { ask } = serve(t, [up.server])
  const all = Array.from({ length: 10_000 }, async () =>
    codeOf(decode(await ask('silent.example'))),
  )
  const first = await Promise.race(all)
  t.equal(first, 'SERVFAIL', 'at once, though the others wait')
  let waiting = 10_000
  for (const one of all) void one.then(() => (waiting -= 1))
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(waiting, 8192)
  await Promise.all(all)
})

t.test('an ExternalName goes on upstream, in one answer', async (t) => {
  await using up = await fakeUpstream({
    answer: (_, type) =>
      type === 'A'
        ? {
            answers: [
              { name: 'www.example.com', type: 'CNAME', ttl: 30, data: 'c.example.com' },
              a('c.example.com', '192.0.2.7'),
            ],
          }
        : { code: 'NXDOMAIN', authorities: [soa] },
  })
  const { ask } = serve(t, [up.server])
  const { answers } = decode(await ask('out.default.svc.cluster.local'))
  t.match(answers, [
    { name: 'out.default.svc.cluster.local', type: 'CNAME', data: 'www.example.com' },
    { name: 'www.example.com', type: 'CNAME', data: 'c.example.com' },
    { name: 'c.example.com', type: 'A', data: '192.0.2.7' },
  ])
  const none = decode(await ask('out.default.svc.cluster.local', 'AAAA'))
  t.match(none, { answers: [{ type: 'CNAME' }] })
  t.equal(codeOf(none), 'NXDOMAIN', 'the code of where the CNAME leads')
})

t.test('names of the cluster are never asked for upstream', async (t) => {
  await using up = await fakeUpstream({ answer: () => ({ code: 'NXDOMAIN' }) })
  const { ask } = serve(t, [up.server])
  for (const name of [
    'nobody.default.svc.cluster.local',
    'www.example.com.svc.cluster.local',
    'cluster.local',
  ])
    await ask(name)
  t.same(up.asked, [])
  await ask('xcluster.local')
  t.same(up.asked, ['xcluster.local A'])
})

t.test('kept answers grow old, and go', async (t) => {
  let nowMs = 0
  const cache = new AnswerCache(() => nowMs)
  cache.store('key', answerOf([a('a.example', '192.0.2.1', 300), a('a.example', '192.0.2.2', 300)]))
  const ttls = (): unknown => {
    const found = cache.find('key')
    return found === undefined
      ? 'gone'
      : decode(found.bytes).answers?.map((one) => (one as { ttl?: number }).ttl)
  }
  t.same(ttls(), [300, 300])
  nowMs = 42_500
  t.same(ttls(), [258, 258])
  nowMs = 299_999
  t.same(ttls(), [1, 1])
  nowMs = 300_000
  t.equal(ttls(), 'gone')
})

t.test('a kept answer holds no more than its own octets', (t) => {
  const cache = new AnswerCache()
  const { bytes } = cache.store('key', answerOf([a('a.example', '192.0.2.1')]))
  t.equal(bytes.buffer.byteLength, bytes.length)
  t.end()
})

t.test('the cache has bounds', async (t) => {
  const cache = new AnswerCache()
  const answer = answerOf([{ name: 'a.example', type: 'TXT', ttl: 300, data: ['x'.repeat(200)] }])
  for (let i = 0; i < 12_000; i += 1) cache.store(`key ${i}`, answer)
  t.equal(cache.size, 10_000)
  t.equal(cache.find('key 0'), undefined, 'the oldest went')
  t.ok(cache.find('key 11999'))
})

function answerOf(answers: NonNullable<FakeAnswer['answers']>): Answer {
  const [{ name, type } = { name: '', type: 'A' as const }] = answers
  const message = encode({
    type: 'response',
    questions: [{ name, type: type }],
    answers: [...answers],
  })
  const response = parseResponse(message)
  if (response === undefined) throw new Error('not a response')
  return { ...response, message }
}
