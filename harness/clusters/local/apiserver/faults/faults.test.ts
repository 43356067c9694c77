/* eslint-disable @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-assignment -- why: these tests look at whatever JSON the server sent */
import { request } from 'node:http'
import { join } from 'node:path'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import t, { type Test } from 'tap'
import { startTestServer } from '../testing/harness.ts'
import type { Answer, TestServer } from '../testing/harness.ts'

const configMaps = '/api/v1/namespaces/default/configmaps'

interface Faulty extends TestServer {
  readonly socket: string
  readonly admin: (
    method: string,
    path: string,
    body?: unknown,
  ) => Promise<Pick<Answer, 'status' | 'json'>>
  /** Puts a fault in force and returns what heals it. */
  readonly inject: (fault: object) => Promise<() => Promise<void>>
}

async function start(test: Test): Promise<Faulty> {
  const directory = await mkdtemp(join(tmpdir(), 'meshmark-faults-'))
  const adminSocket = join(directory, 'admin.sock')
  const socket = join(directory, 'api.sock')
  const server = await startTestServer({ adminSocket, socket })
  test.teardown(async () => {
    await server[Symbol.asyncDispose]()
    await rm(directory, { recursive: true })
  })
  await server.call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'default' } } })
  await server.call('POST', configMaps, { body: { metadata: { name: 'a' } } })
  const admin: Faulty['admin'] = (method, path, body) =>
    new Promise((resolve, reject) => {
      const call = request({ socketPath: adminSocket, method, path }, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => (text += chunk))
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, json: JSON.parse(text) })
        })
      })
      call.on('error', reject)
      call.end(body === undefined ? undefined : JSON.stringify(body))
    })
  return {
    ...server,
    socket,
    admin,
    async inject(fault) {
      const { status, json } = await admin('POST', '/faults', fault)
      test.equal(status, 201)
      return async () => {
        test.equal((await admin('DELETE', `/faults/${String(json.id)}`)).status, 200)
      }
    },
  }
}

await t.test('the door lists what is in force and refuses what it does not know', async (t) => {
  const { admin } = await start(t)
  const { json } = await admin('POST', '/faults', { kind: 'latency', delayMs: 1, match: '/x' })
  t.same((await admin('GET', '/faults')).json, [
    { id: json.id, fault: { kind: 'latency', delayMs: 1, match: '/x' }, scope: 'tcp' },
  ])
  t.equal((await admin('DELETE', '/faults/99')).status, 404)
  for (const [fault, message] of [
    [{ kind: 'explode' }, /kind: got "explode", want one of latency, status, garbage/],
    [{ kind: 'latency' }, /delayMs: got nothing, want milliseconds/],
    [{ kind: 'status', status: 200 }, /status: got 200, want an HTTP status from 400 to 599/],
    [{ kind: 'garbage', match: 5 }, /match: got 5/],
    [[], /want an ApiFault/],
  ] as const) {
    const answer = await admin('POST', '/faults', fault)
    t.equal(answer.status, 400)
    t.match(answer.json.message, message)
  }
})

await t.test(
  'a status is answered as long as the fault lasts, and only where it matches',
  async (t) => {
    const { call, inject } = await start(t)
    for (const [status, reason] of [
      [500, 'InternalError'],
      [401, 'Unauthorized'],
      [403, 'Forbidden'],
      [429, 'TooManyRequests'],
      [503, 'ServiceUnavailable'],
    ] as const) {
      const heal = await inject({ kind: 'status', status, match: '/configmaps' })
      const answer = await call('GET', configMaps)
      t.match(answer, { status, json: { kind: 'Status', code: status, reason } })
      t.equal(answer.headers['retry-after'] !== undefined, status === 429 || status === 503)
      t.equal((await call('GET', '/api/v1/namespaces')).status, 200)
      await heal()
      t.equal((await call('GET', configMaps)).status, 200)
    }
  },
)

await t.test('the unix socket stays usable unless the fault is for all', async (t) => {
  const { socket, server, inject, call } = await start(t)
  const { request: httpsRequest } = await import('node:https')
  const viaSocket = () =>
    new Promise<number>((resolve, reject) => {
      const options = { socketPath: socket, ca: server.ca, host: 'localhost', path: '/healthz' }
      httpsRequest({ ...options, agent: false }, (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
        .on('error', reject)
        .end()
    })
  const heal = await inject({ kind: 'status', status: 500 })
  t.equal((await call('GET', '/healthz')).status, 500)
  t.equal(await viaSocket(), 200)
  await heal()
  const healAll = await inject({ kind: 'status', status: 500, scope: 'all' })
  t.equal(await viaSocket(), 500)
  await healAll()
})

await t.test('garbage is no JSON; an empty list has a version and no items', async (t) => {
  const { call, inject } = await start(t)
  const heal = await inject({ kind: 'garbage' })
  const garbage = await call('GET', configMaps)
  t.equal(garbage.status, 200)
  t.throws(() => JSON.parse(garbage.text) as unknown)
  await heal()
  const healEmpty = await inject({ kind: 'empty-list' })
  const empty = await call('GET', configMaps)
  t.match(empty.json, { kind: 'ConfigMapList', items: [], metadata: { resourceVersion: /\d+/ } })
  await healEmpty()
  t.equal((await call('GET', configMaps)).json.items.length, 1)
})

await t.test('latency delays an answer', async (t) => {
  const { call, inject } = await start(t)
  const heal = await inject({ kind: 'latency', delayMs: 200 })
  const startedAt = performance.now()
  await call('GET', '/healthz')
  t.ok(performance.now() - startedAt >= 190)
  await heal()
})

await t.test(
  'watches that are open are cut, and new ones as long as the fault lasts',
  async (t) => {
    const server = await start(t)
    const open = await server.watch(`${configMaps}?watch=true`)
    t.equal((await open.next()).type, 'ADDED')
    const heal = await server.inject({ kind: 'cut-watch' })
    t.equal(await open.next(), undefined)
    t.equal((await server.call('GET', configMaps)).status, 200, 'lists still work')
    await heal()
    using next = await server.watch(`${configMaps}?watch=true`)
    t.equal((await next.next()).type, 'ADDED')
  },
)

await t.test('a stalled watch tells nothing until it is healed, then everything', async (t) => {
  const server = await start(t)
  using watch = await server.watch(`${configMaps}?watch=true`)
  t.equal((await watch.next()).type, 'ADDED')
  const heal = await server.inject({ kind: 'stalled-watch' })
  await server.call('POST', configMaps, { body: { metadata: { name: 'b' } } })
  let hasHeard = false
  const heard = watch.next().then((event) => {
    hasHeard = true
    return event as unknown
  })
  await server.call('GET', configMaps)
  t.equal(hasHeard, false)
  await heal()
  t.match(await heard, { type: 'ADDED', object: { metadata: { name: 'b' } } })
})

await t.test('refuse closes the port and cuts what is open; healing opens it again', async (t) => {
  const server = await start(t)
  const watch = await server.watch(`${configMaps}?watch=true`)
  await watch.next()
  const heal = await server.inject({ kind: 'refuse' })
  t.equal(await watch.next(), undefined)
  await t.rejects(server.call('GET', '/healthz'), { code: 'ECONNREFUSED' })
  await heal()
  t.equal((await server.call('GET', '/healthz')).status, 200)
})

await t.test('refuse of some paths resets their connections', async (t) => {
  const { call, inject } = await start(t)
  const heal = await inject({ kind: 'refuse', match: '/configmaps' })
  await t.rejects(call('GET', configMaps), { code: 'ECONNRESET' })
  t.equal((await call('GET', '/healthz')).status, 200)
  await heal()
  t.equal((await call('GET', configMaps)).status, 200)
})

await t.test('compact forgets the past', async (t) => {
  const server = await start(t)
  const { json } = await server.call('GET', configMaps)
  await server.call('POST', configMaps, { body: { metadata: { name: 'b' } } })
  const heal = await server.inject({ kind: 'compact' })
  const version = String(json.metadata.resourceVersion)
  using watch = await server.watch(`${configMaps}?watch=true&resourceVersion=${version}`)
  t.match(await watch.next(), { type: 'ERROR', object: { code: 410, reason: 'Expired' } })
  await heal()
})
