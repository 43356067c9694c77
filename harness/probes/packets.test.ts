import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Answered, PacketsJob } from '../model/probe.ts'
import { childChannel } from '../cli/child-channel.ts'
import { connectProbe } from './client.ts'

const { signal } = new AbortController()
const probe = connectProbe(childChannel(process.execPath, [join(import.meta.dirname, 'main.js')]))
t.teardown(() => probe[Symbol.asyncDispose]())

type Packets = Extract<Answered, { kind: 'packets' }>

async function served(
  t: Test,
  answer: (server: Socket, message: Buffer, from: RemoteInfo) => void,
  host = '127.0.0.1',
): Promise<{ readonly host: string; readonly port: number; readonly close: () => Promise<void> }> {
  const server = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  server.on('message', (message, from) => {
    answer(server, message, from)
  })
  await new Promise<void>((resolve) => server.bind(0, host, resolve))
  let isOpen = true
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      if (!isOpen) resolve()
      else server.close(resolve)
      isOpen = false
    })
  t.teardown(close)
  return { host, port: server.address().port, close }
}

const echo = (server: Socket, message: Buffer, { port, address }: RemoteInfo): void => {
  server.send(message, port, address)
}

async function packets(job: Partial<PacketsJob>): Promise<Packets> {
  const observation = await probe.run(
    { kind: 'packets', host: '', port: 1, sockets: [], expect: 0, timeoutMs: 20_000, ...job },
    { signal },
  )
  if (observation.kind !== 'packets') throw new Error(JSON.stringify(observation))
  return observation
}

const bytes = (text: string): string => Buffer.from(text, 'latin1').toString('base64')

t.test('every datagram that comes back, byte for byte, with its socket and source', async (t) => {
  for (const host of ['127.0.0.1', '::1']) {
    const { port } = await served(t, echo, host)
    const sockets = Array.from({ length: 50 }, (_, socket) => ({
      send: Array.from({ length: 20 }, (_, number) => ({
        // why: the server's receive buffer takes some 250 datagrams
        atMs: number * 20 + socket / 3,
        base64: bytes(`\0\xff${socket}/${number}`),
      })),
    }))
    const { received, failures, local } = await packets({ host, port, sockets, expect: 1_000 })
    t.same(failures, [])
    t.same(
      received.map(({ socket, base64 }) => [socket, base64]).sort(),
      sockets.flatMap(({ send }, socket) => send.map(({ base64 }) => [socket, base64])).sort(),
    )
    t.ok(received.every(({ from }) => from.address === host && from.port === port))
    t.equal(new Set(local.map((one) => one.port)).size, 50)
    t.ok(local.every(({ address }) => address === host))
  }
})

t.test('datagrams go out at their times, from the source that was asked for', async (t) => {
  const { host, port } = await served(t, (server, _, { address, port }) => {
    server.send(`${address}:${port}`, port, address)
  })
  const source = createSocket('udp4')
  await new Promise<void>((resolve) => source.bind(0, '127.0.0.3', resolve))
  const localPort = source.address().port
  await new Promise<void>((resolve) => source.close(resolve))
  const { received, local } = await packets({
    host,
    port,
    sockets: [
      { localAddress: '127.0.0.2', send: [{ atMs: 200, base64: bytes('late') }] },
      { localAddress: '127.0.0.3', localPort, send: [{ atMs: 0, base64: bytes('early') }] },
    ],
    expect: 2,
  })
  t.same(
    received.map(({ socket, base64 }) => [socket, Buffer.from(base64, 'base64').toString()]),
    [
      [1, `127.0.0.3:${localPort}`],
      [0, `127.0.0.2:${local[0]?.port}`],
    ],
  )
  t.ok((received[1]?.atMs ?? 0) >= 200, `at ${received[1]?.atMs} ms`)
  t.same(local[1], { address: '127.0.0.3', port: localPort })
})

t.test('an empty datagram goes there and comes back', async (t) => {
  const { host, port } = await served(t, echo)
  const sockets = [{ send: [{ atMs: 0, base64: '' }] }]
  t.match(await packets({ host, port, sockets, expect: 1 }), { received: [{ base64: '' }] })
})

t.test('silence is an observation; what comes after the last expected is heard', async (t) => {
  const twice = await served(t, (server, message, from) => {
    echo(server, message, from)
    setTimeout(() => {
      echo(server, message, from)
    }, 50)
  })
  const sockets = [{ send: [{ atMs: 0, base64: bytes('x') }] }]
  const one = await packets({ ...twice, sockets, expect: 1 })
  t.equal(one.received.length, 1)
  const both = await packets({ ...twice, sockets, expect: 1, lingerMs: 1_000 })
  t.equal(both.received.length, 2)
  const silent = await served(t, () => undefined)
  t.match(await packets({ ...silent, sockets, expect: 1, timeoutMs: 50 }), {
    received: [],
    failures: [],
  })
})

t.test('a closed port: each datagram is sent, and each is refused by ICMP', async (t) => {
  const { host, port, close } = await served(t, echo)
  await close()
  const send = [0, 100, 200].map((atMs) => ({ atMs, base64: bytes('x') }))
  const sockets = [{ send }, { send, connected: false }]
  const seen = await packets({ host, port, sockets, expect: 1, timeoutMs: 500 })
  t.same(seen.received, [])
  t.same(
    seen.failures.map(({ socket, kind }) => [socket, kind]),
    send.map(() => [0, 'refused']),
  )
})

t.test('a connected socket takes datagrams from the server alone, another from all', async (t) => {
  const stranger = createSocket('udp4')
  await new Promise<void>((resolve) => stranger.bind(0, '127.0.0.1', resolve))
  t.teardown(() => stranger.close())
  const { host, port } = await served(t, (server, message, from) => {
    stranger.send('stranger', from.port, from.address, () => {
      echo(server, message, from)
    })
  })
  const send = [{ atMs: 0, base64: bytes('x') }]
  for (const connected of [true, false]) {
    const sockets = [{ send, connected }]
    const { received } = await packets({ host, port, sockets, expect: 2, timeoutMs: 1_000 })
    const ports = received.map(({ from }) => from.port)
    t.same(ports, connected ? [port] : [stranger.address().port, port])
  }
})

t.test('no way there is told per socket; a source that is not ours is our trouble', async (t) => {
  const { host, port } = await served(t, echo)
  const send = [{ atMs: 0, base64: bytes('x') }]
  const nowhere = await packets({
    host: '255.255.255.255',
    port,
    sockets: [{ send }],
    timeoutMs: 50,
  })
  t.match(nowhere, { failures: [{ socket: 0, kind: 'unreachable' }] })
  const foreign = packets({ host, port, sockets: [{ localAddress: '192.0.2.1', send }] })
  await t.rejects(foreign, { code: 'program-failed', message: /bind EADDRNOTAVAIL 192.0.2.1/ })
})

t.test('an aborted job closes its sockets at once', async (t) => {
  const { host, port } = await served(t, echo)
  const abort = new AbortController()
  const job = { host, port, sockets: [{ localPort: 0, send: [] }], expect: 0, timeoutMs: 600_000 }
  const first = await packets({ ...job, sockets: [{ send: [] }], timeoutMs: 1 })
  const localPort = first.local[0]?.port ?? 0
  const sockets = [{ localAddress: host, localPort, send: [] }]
  const pending = probe.run({ kind: 'packets', ...job, sockets }, { signal: abort.signal })
  abort.abort(new Error('enough'))
  await t.rejects(pending, { message: 'enough' })
  t.match(await packets({ ...job, sockets, timeoutMs: 1 }), { local: [{ port: localPort }] })
})

t.test('a job that makes no sense is refused with field, value and rule', async (t) => {
  const good = { host: '127.0.0.1', port: 9, sockets: [{ send: [] }] }
  const wrong: readonly (readonly [Record<string, unknown>, string])[] = [
    [{ host: 'localhost' }, 'host: got "localhost", want a literal IPv4 or IPv6 address'],
    [{ port: 0 }, 'port: got 0, want a whole number from 1 to 65535'],
    [{ sockets: [] }, 'sockets: got [], want a list of 1 to 1000'],
    [{ sockets: [1] }, 'sockets[0]: got 1, want an object'],
    [{ sockets: [{}] }, 'sockets[0].send: got nothing, want a list of 0 to 10000'],
    [
      { sockets: [{ send: [{ atMs: 0, base64: 'Zg' }] }] },
      'sockets[0].send[0].base64: got "Zg", want base64 of at most 65507 bytes',
    ],
    [
      { sockets: [{ send: [] }, { send: [{ atMs: 60, base64: '' }] }], timeoutMs: 50 },
      'sockets[1].send[0].atMs: got 60, want at most timeoutMs, 50',
    ],
    [
      { sockets: [{ send: [], localAddress: '::1' }] },
      'sockets[0].localAddress: got "::1", want an address of the family of 127.0.0.1',
    ],
    [{ expect: -1 }, 'expect: got -1, want a whole number from 0 to 20000'],
    [{ timeoutMs: 0 }, 'timeoutMs: got 0, want a number from 1 to 600000'],
  ]
  for (const [part, message] of wrong)
    await t.rejects(packets({ ...good, ...part }), { code: 'bad-job', message })
})
