import { connect, type Socket } from 'node:net'
import { decode, encode } from 'dns-packet'
import t from 'tap'
import { askOverTcp, askOverUdp, framed, question, summary } from '../testing/dns-client.ts'
import { endpoint, headless, service, snapshotOf } from '../testing/snapshots.ts'
import { fakeUpstream } from '../testing/fake-upstream.ts'
import { eventually } from '../testing/eventually.ts'
import { onSamePort } from '../testing/same-port.ts'
import { DnsCounters } from './counters.ts'
import { Forwarder } from './forwarder.ts'
import { Responder } from './responder.ts'
import { serveTcp, type TcpLimits } from './tcp-server.ts'
import { serveUdp, type DnsServer } from './udp-server.ts'

const name = 'web.default.svc.cluster.local'
const answered = ['NOERROR', `${name} A 10.96.0.10`]

interface Served {
  readonly udp: DnsServer
  readonly tcp: DnsServer
  readonly port: number
  readonly counters: DnsCounters
}

async function serve(
  t: { teardown(undo: () => Promise<void>): void },
  change: {
    readonly limits?: Partial<TcpLimits>
    readonly allows?: () => boolean
    readonly upstreamPort?: number
  } = {},
): Promise<Served> {
  const counters = new DnsCounters()
  const { upstreamPort } = change
  const forwarder = new Forwarder({
    servers: upstreamPort === undefined ? [] : [{ address: '127.0.0.1', port: upstreamPort }],
    counters,
  })
  const responder = new Responder({
    domain: 'cluster.local',
    ttlSeconds: 5,
    negativeTtlSeconds: 5,
    serverAddress: '127.0.0.1',
    forwarder,
    counters,
  })
  const many = Array.from({ length: 150 }, (_, i) => endpoint(`10.244.9.${i + 1}`))
  responder.update(snapshotOf([service('web'), headless('many', many)]))
  const init = {
    address: '127.0.0.1',
    port: 0,
    responder,
    counters,
    allows: change.allows ?? (() => true),
  }
  const [udp, tcp] = await onSamePort(
    () => serveUdp(init),
    (port) => serveTcp({ ...init, port }, change.limits),
    (one) => one.close(),
  )
  t.teardown(async () => {
    await Promise.all([udp.close(), tcp.close()])
    forwarder.close()
  })
  return { udp, tcp, port: udp.port, counters }
}

t.test('UDP and TCP answer on the same port', async (t) => {
  const { port } = await serve(t)
  t.same(summary(await askOverUdp(question(name), { port })), answered)
  const [reply = Buffer.alloc(0)] = await askOverTcp([question(name)], { port })
  t.same(summary(reply), answered)
})

t.test('what is cut over UDP is whole over TCP', async (t) => {
  const { port } = await serve(t)
  const query = question('many.default.svc.cluster.local')
  t.match(decode(await askOverUdp(query, { port })), { flag_tc: true })
  const [reply = Buffer.alloc(0)] = await askOverTcp([query], { port })
  t.equal(decode(reply).answers?.length, 150)
})

t.test('a thousand questions at once are all answered, each to its asker', async (t) => {
  const { port } = await serve(t)
  const replies = await Promise.all(
    Array.from({ length: 1000 }, async (_, id) =>
      askOverUdp(question(name, 'A', { id }), { port }),
    ),
  )
  replies.forEach((reply, id) => {
    if (reply.readUInt16BE(0) !== id)
      t.fail(`question ${id} got the answer ${reply.readUInt16BE(0)}`)
  })
  t.equal(replies.length, 1000)
})

t.test('questions on one TCP connection need not wait for each other', async (t) => {
  await using up = await fakeUpstream({
    answer: (asked) => ({
      answers: [{ name: asked, type: 'A', ttl: 5, data: '192.0.2.1' }],
      delayMs: 100,
    }),
  })
  const { port } = await serve(t, { upstreamPort: up.server.port })
  const queries = [
    question('slow.example', 'A', { id: 1 }),
    ...Array.from({ length: 19 }, (_, i) => question(name, 'A', { id: i + 2 })),
  ]
  const replies = await askOverTcp(queries, { port })
  const ids = replies.map((reply) => reply.readUInt16BE(0))
  t.same(new Set(ids), new Set(queries.map(({ id }) => id)))
  t.equal(ids.at(-1), 1, 'the slow one comes last')
})

t.test('a question may come byte by byte', async (t) => {
  const { port } = await serve(t)
  const socket = await dial(port)
  for (const byte of framed(encode(question(name)))) {
    socket.write(Buffer.from([byte]))
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.same(summary(await oneAnswer(socket)), answered)
  socket.destroy()
})

t.test('a client that has said all still gets its answers, then the end', async (t) => {
  await using up = await fakeUpstream({
    answer: (asked) => ({
      answers: [{ name: asked, type: 'A', ttl: 5, data: '192.0.2.1' }],
      delayMs: 50,
    }),
  })
  const { port } = await serve(t, { upstreamPort: up.server.port })
  const socket = await dial(port)
  socket.end(framed(encode(question('slow.example'))))
  t.same(summary(await oneAnswer(socket)), ['NOERROR', 'slow.example A 192.0.2.1'])
  await new Promise((resolve) => socket.once('close', resolve))
})

t.test('an idle connection stays for a while and then goes', async (t) => {
  const { port } = await serve(t, { limits: { idleMs: 200, maxConnections: 10 } })
  const socket = await dial(port)
  socket.write(framed(encode(question(name))))
  t.same(summary(await oneAnswer(socket)), answered)
  t.notOk(socket.destroyed, 'not closed with the first answer')
  const answeredAt = performance.now()
  await new Promise((resolve) => socket.once('close', resolve))
  t.ok(performance.now() - answeredAt > 150)
})

t.test('idle connections make room for new ones', async (t) => {
  const { port } = await serve(t, { limits: { idleMs: 60_000, maxConnections: 20 } })
  const idle = await Promise.all(Array.from({ length: 40 }, async () => dial(port)))
  const [reply = Buffer.alloc(0)] = await askOverTcp([question(name)], { port })
  t.same(summary(reply), answered)
  t.same(summary(await askOverUdp(question(name), { port })), answered)
  for (const socket of idle) socket.destroy()
})

t.test('questions that never become whole make room for those that are', async (t) => {
  const { port } = await serve(t, { limits: { maxHeldBytes: 100_000 } })
  const greedy = await Promise.all(Array.from({ length: 20 }, async () => dial(port)))
  for (const socket of greedy) {
    await new Promise((resolve) => socket.write(Buffer.alloc(20_002, 0xff), resolve))
    const [reply = Buffer.alloc(0)] = await askOverTcp([question(name)], { port })
    t.same(summary(reply), answered)
  }
  await eventually(() => {
    if (greedy.slice(0, 15).some(({ destroyed }) => !destroyed)) throw new Error('still open')
  })
  t.ok(
    greedy.slice(16).every(({ destroyed }) => !destroyed),
    'the last ones stay',
  )
  for (const socket of greedy) socket.destroy()
})

t.test('clients that may not ask get nothing', async (t) => {
  const { port, counters } = await serve(t, { allows: () => false })
  await t.rejects(askOverUdp(question(name), { port, timeoutMs: 200 }), { message: 'timeout' })
  const replies = await askOverTcp([question(name)], { port }).catch(() => [])
  t.same(replies, [])
  t.equal(counters.refusedClients, 2)
})

t.test('nonsense gets no answer or an error, and the next question its answer', async (t) => {
  const { port } = await serve(t)
  const query = encode(question(name))
  for (let length = 0; length < query.length; length += 1)
    await askOverUdp(query.subarray(0, length), { port, timeoutMs: 20 }).catch(() => undefined)
  t.same(summary(await askOverUdp(question(name), { port })), answered)
  const socket = await dial(port)
  socket.end(Buffer.from([0xff, 0xff, 1, 2, 3]))
  await new Promise((resolve) => socket.once('close', resolve))
  const [reply = Buffer.alloc(0)] = await askOverTcp([question(name)], { port })
  t.same(summary(reply), answered)
})

t.test('closing answers what is under way', async (t) => {
  await using up = await fakeUpstream({
    answer: (asked) => ({
      answers: [{ name: asked, type: 'A', ttl: 5, data: '192.0.2.1' }],
      delayMs: 100,
    }),
  })
  const { port, udp, tcp, counters } = await serve(t, { upstreamPort: up.server.port })
  const asked = Promise.all([
    askOverUdp(question('a.example'), { port }),
    askOverTcp([question('b.example')], { port }),
  ])
  while (counters.forwarded < 2) await new Promise((resolve) => setImmediate(resolve))
  await Promise.all([udp.close(), tcp.close()])
  const [one, [other = Buffer.alloc(0)]] = await asked
  t.same(summary(one), ['NOERROR', 'a.example A 192.0.2.1'])
  t.same(summary(other), ['NOERROR', 'b.example A 192.0.2.1'])
})

t.test('a port that is taken is an error', async (t) => {
  const { port } = await serve(t)
  const init = {
    address: '127.0.0.1',
    port,
    responder: { respond: () => undefined },
    counters: new DnsCounters(),
    allows: () => true,
  }
  await t.rejects(serveUdp(init), { code: 'EADDRINUSE' })
  await t.rejects(serveTcp(init), { code: 'EADDRINUSE' })
})

async function dial(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true })
  socket.on('error', () => undefined)
  socket.on('end', () => socket.end())
  await new Promise((resolve) => socket.once('connect', resolve))
  return socket
}

async function oneAnswer(socket: Socket): Promise<Buffer> {
  let received = Buffer.alloc(0)
  return await new Promise<Buffer>((resolve, reject) => {
    socket.once('close', () => reject(new Error('closed without an answer')))
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      if (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0))
        resolve(received.subarray(2))
    })
  })
}
