import { readdirSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Answered, Observation, VolleyJob } from '../model/probe.ts'
import { childChannel } from '../cli/child-channel.ts'
import { freePort } from '../testing/nginx.ts'
import { connectProbe } from './client.ts'
import { runJob } from './run.ts'

const { signal } = new AbortController()
const probe = connectProbe(childChannel(process.execPath, [join(import.meta.dirname, 'main.js')]))
t.teardown(() => probe[Symbol.asyncDispose]())

type Volley = Extract<Answered, { kind: 'volley' }>

async function served(t: Test, serve: (socket: Socket, number: number) => void): Promise<number> {
  let number = 0
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined)
    serve(socket, number)
    number += 1
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 4_096, resolve))
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

const job = (part: Partial<VolleyJob>): VolleyJob => ({
  kind: 'volley',
  host: '127.0.0.1',
  port: 1,
  connections: 1,
  concurrency: 1,
  connectionTimeoutMs: 10_000,
  timeoutMs: 120_000,
  ...part,
})

function volley(observation: Observation): Volley {
  if (observation.kind !== 'volley') throw new Error(JSON.stringify(observation))
  return observation
}

const fire = (part: Partial<VolleyJob>): Promise<Observation> => probe.run(job(part), { signal })

t.test('who answered each connection, in order; lines end with LF or CRLF', async (t) => {
  const port = await served(t, (socket, number) => {
    socket.write(`pod-${number % 3}${number % 2 === 0 ? '\r\n' : '\n'}rest`)
  })
  const seen = volley(await fire({ port, connections: 7 }))
  t.same(seen.order, [0, 1, 2, 0, 1, 2, 0])
  t.same(seen.answers, [
    { answer: 'pod-0', count: 3 },
    { answer: 'pod-1', count: 2 },
    { answer: 'pod-2', count: 2 },
  ])
  t.same(seen.failures, {})
})

t.test('sources take turns, and what is sent first arrives', async (t) => {
  const port = await served(t, (socket) => {
    socket.on('data', (chunk) => socket.write(`${socket.remoteAddress} ${chunk.toString()}\n`))
  })
  const localAddresses = ['127.0.0.5', '127.0.0.6']
  const seen = volley(await fire({ port, connections: 4, localAddresses, send: 'hi' }))
  t.same(seen.answers, [
    { answer: '127.0.0.5 hi', count: 2 },
    { answer: '127.0.0.6 hi', count: 2 },
  ])
})

t.test('HTTP: the pod of each response on one connection; one that closes is told', async (t) => {
  const asked: string[] = []
  const port = await served(t, (socket, number) => {
    let answered = 0
    socket.on('data', (chunk) => {
      asked.push(chunk.toString().split('\r\n')[0] ?? '')
      const pod = answered === 0 ? `pod-${number}` : 'other'
      socket.write(`HTTP/1.1 200 OK\r\nX-Pod: ${pod}\r\nContent-Length: 2\r\n\r\n`)
      socket.write('ok')
      answered += 1
      if (number === 1) socket.end()
    })
  })
  const http = [{ path: '/a?b' }, { path: '/c', headers: [['x-y', 'z'] as const] }]
  const seen = volley(await fire({ port, connections: 2, http }))
  t.same(asked.slice(0, 3), ['GET /a?b HTTP/1.1', 'GET /c HTTP/1.1', 'GET /a?b HTTP/1.1'])
  t.same(seen.order, [0, 1, 2, -1])
  t.same(seen.failures, { closed: 1 })
})

t.test('failures are counted by kind', async (t) => {
  const refused = await fire({ port: await freePort(), connections: 5, concurrency: 3 })
  t.match(refused, { answers: [], failures: { refused: 5 }, order: [-1, -1, -1, -1, -1] })
  const port = await served(t, (socket, number) => {
    if (number === 0) socket.resetAndDestroy()
    if (number === 1) socket.end('no line')
    if (number === 2) socket.write('x'.repeat(10_000))
  })
  const seen = volley(await fire({ port, connections: 4, connectionTimeoutMs: 300 }))
  t.same(seen.failures, { reset: 1, closed: 1, malformed: 1, 'timed-out': 1 })
  t.match(await fire({ port, connections: 4, timeoutMs: 200 }), {
    kind: 'timed-out',
    detail: '0 of 4 connections within 200 ms',
  })
})

t.test('10 000 connections, 64 at a time, and no descriptor stays', async (t) => {
  const port = await served(t, (socket) => socket.end('pod\n'))
  const files = (): number => readdirSync('/proc/self/fd').length
  const before = files()
  const seen = volley(await runJob(job({ port, connections: 10_000, concurrency: 64 }), signal))
  t.same(seen.answers, [{ answer: 'pod', count: 10_000 }])
  t.same(seen.failures, {})
  t.ok(files() < before + 64, `${before} descriptors before, ${files()} after`)
})

t.test('a source that is not ours is trouble of the harness', async (t) => {
  const port = await served(t, (socket) => socket.end('pod\n'))
  await t.rejects(fire({ port, connections: 100, localAddresses: ['192.0.2.1'] }), {
    code: 'program-failed',
    message: /EADDRNOTAVAIL/,
  })
})

t.test('a volley that makes no sense is refused with field, value and rule', async (t) => {
  const wrong: readonly (readonly [Record<string, unknown>, string])[] = [
    [{ host: 'name' }, 'host: got "name", want a literal IPv4 or IPv6 address'],
    [{ connections: 0 }, 'connections: got 0, want a whole number from 1 to 100000'],
    [{ concurrency: 1_001 }, 'concurrency: got 1001, want a whole number from 1 to 1000'],
    [{ localAddresses: [] }, 'localAddresses: got [], want a list of 1 to 1000 literal addresses'],
    [
      { localAddresses: ['127.0.0.1', '::1'] },
      'localAddresses[1]: got "::1", want an address of the family of 127.0.0.1',
    ],
    [{ http: [] }, 'http: got [], want a list of 1 to 1000'],
    [{ http: [{ path: 'a b' }] }, 'http[0].path: got "a b", want a path without blanks, from / on'],
    [
      { connections: 100_000, http: Array.from({ length: 20 }, () => ({ path: '/' })) },
      'connections: got 100000, want at most 1000000 requests over all connections',
    ],
  ]
  for (const [part, message] of wrong) await t.rejects(fire(part), { code: 'bad-job', message })
})
