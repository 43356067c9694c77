/* eslint-disable @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-argument -- why: these tests look at whatever JSON the server sent */
import { connect } from 'node:tls'
import t, { type Test } from 'tap'
import { adminToken, startTestServer } from '../testing/harness.ts'
import type { TestServer } from '../testing/harness.ts'
import type { ApiServerConfig } from '../server.ts'

const configMaps = '/api/v1/namespaces/default/configmaps'

async function start(test: Test, config: Partial<ApiServerConfig> = {}): Promise<TestServer> {
  const server = await startTestServer(config)
  test.teardown(() => server[Symbol.asyncDispose]())
  await server.call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'default' } } })
  return server
}

async function put({ call }: TestServer, name: string, labels = {}): Promise<string> {
  const body = { metadata: { name, labels } }
  const at = `${configMaps}/${name}`
  const exists = (await call('GET', at)).status === 200
  const answer = await call(exists ? 'PUT' : 'POST', exists ? at : configMaps, { body })
  return answer.json.metadata.resourceVersion as string
}

const names = (items: readonly { metadata: { name: string } }[]) =>
  items.map((item) => item.metadata.name)

await t.test('a watch without a version tells what exists, then what changes', async (t) => {
  const server = await start(t)
  await put(server, 'a')
  using watch = await server.watch(`${configMaps}?watch=true`)
  t.match(await watch.next(), { type: 'ADDED', object: { metadata: { name: 'a' } } })
  const version = await put(server, 'a', { x: '1' })
  t.match(await watch.next(), {
    type: 'MODIFIED',
    object: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { resourceVersion: version } },
  })
  await server.call('DELETE', `${configMaps}/a`)
  const gone = await watch.next()
  t.match(gone, { type: 'DELETED', object: { metadata: { name: 'a' } } })
  t.ok(Number(gone.object.metadata.resourceVersion) > Number(version))
})

await t.test('a watch from a version tells exactly what came after it', async (t) => {
  const server = await start(t)
  const first = await put(server, 'a')
  await put(server, 'b')
  await put(server, 'a', { x: '1' })
  using watch = await server.watch(`${configMaps}?watch=1&resourceVersion=${first}`)
  t.match(await watch.next(), { type: 'ADDED', object: { metadata: { name: 'b' } } })
  t.match(await watch.next(), { type: 'MODIFIED', object: { metadata: { name: 'a' } } })
  await put(server, 'c')
  t.match(await watch.next(), { type: 'ADDED', object: { metadata: { name: 'c' } } })
})

await t.test('an object that enters or leaves a selection is added or deleted', async (t) => {
  const server = await start(t)
  await put(server, 'a', { tier: 'back' })
  const query = 'watch=true&resourceVersion=0&labelSelector=tier%3Dfront'
  using watch = await server.watch(`${configMaps}?${query}`)
  await put(server, 'a', { tier: 'front' })
  t.match(await watch.next(), { type: 'ADDED' })
  await put(server, 'a', { tier: 'front', more: 'x' })
  t.match(await watch.next(), { type: 'MODIFIED' })
  const version = await put(server, 'a', { tier: 'back' })
  t.match(await watch.next(), {
    type: 'DELETED',
    object: { metadata: { labels: { tier: 'front' }, resourceVersion: version } },
  })
})

await t.test('one object can be watched by its name', async (t) => {
  const server = await start(t)
  await put(server, 'a')
  await put(server, 'b')
  using byField = await server.watch(`${configMaps}?watch=true&fieldSelector=metadata.name%3Db`)
  t.match(await byField.next(), { type: 'ADDED', object: { metadata: { name: 'b' } } })
  using byPath = await server.watch(`/api/v1/watch/namespaces/default/configmaps/b`)
  t.match(await byPath.next(), { type: 'ADDED', object: { metadata: { name: 'b' } } })
})

await t.test('a version that is compacted away ends the watch with 410 Expired', async (t) => {
  const server = await start(t, { tuning: { eventWindow: 4 } })
  const old = await put(server, 'a')
  for (let index = 0; index < 10; index += 1) await put(server, 'a', { n: String(index) })
  using watch = await server.watch(`${configMaps}?watch=true&resourceVersion=${old}`)
  t.equal(watch.status, 200, 'as from the watch cache, the failure is an event')
  t.match(await watch.next(), {
    type: 'ERROR',
    object: {
      kind: 'Status',
      code: 410,
      reason: 'Expired',
      message: /^too old resource version: \d+ \(\d+\)$/,
    },
  })
  t.equal(await watch.next(), undefined)
})

await t.test('bookmarks tell a fresh version while nothing changes', async (t) => {
  const server = await start(t, { tuning: { bookmarkIntervalMs: 20 } })
  await put(server, 'a')
  await server.call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'other' } } })
  const { json } = await server.call('GET', configMaps)
  const query = `watch=true&allowWatchBookmarks=true&resourceVersion=${json.metadata.resourceVersion}`
  using watch = await server.watch(`${configMaps}?${query}`)
  const bookmark = await watch.next()
  t.match(bookmark, { type: 'BOOKMARK', object: { kind: 'ConfigMap', apiVersion: 'v1' } })
  t.equal(bookmark.object.metadata.resourceVersion, json.metadata.resourceVersion)
})

await t.test('sendInitialEvents ends what exists with a marked bookmark', async (t) => {
  const server = await start(t)
  await put(server, 'a')
  await put(server, 'b')
  const wanted = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
  using watch = await server.watch(`${configMaps}?watch=true&${wanted}`)
  t.match(await watch.next(), { type: 'ADDED', object: { metadata: { name: 'a' } } })
  t.match(await watch.next(), { type: 'ADDED', object: { metadata: { name: 'b' } } })
  t.match(await watch.next(), {
    type: 'BOOKMARK',
    object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
  })
  await put(server, 'c')
  t.match(await watch.next(), { type: 'ADDED', object: { metadata: { name: 'c' } } })
  const refused = await server.call('GET', `${configMaps}?watch=true&sendInitialEvents=true`)
  t.equal(refused.status, 422)
  t.match(refused.json.message, /sendInitialEvents requires setting resourceVersionMatch to/)
})

await t.test('a watch ends after timeoutSeconds', async (t) => {
  const server = await start(t)
  using watch = await server.watch(`${configMaps}?watch=true&timeoutSeconds=1`)
  t.equal(await watch.next(), undefined)
})

await t.test('rows of a Table can be watched', async (t) => {
  const server = await start(t)
  await put(server, 'a')
  using watch = await server.watch(`${configMaps}?watch=true`, {
    accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
  })
  const event = await watch.next()
  t.match(event, { type: 'ADDED', object: { kind: 'Table', rows: [{ cells: ['a', 0] }] } })
})

await t.test('a list comes in pieces that belong together', async (t) => {
  const server = await start(t)
  for (const name of ['a', 'b', 'c', 'd']) await put(server, name)
  const first = await server.call('GET', `${configMaps}?limit=2`)
  t.same(names(first.json.items), ['a', 'b'])
  t.equal(first.json.metadata.remainingItemCount, 2)
  await put(server, 'bb')
  await server.call('DELETE', `${configMaps}/c`)
  const next = encodeURIComponent(first.json.metadata.continue as string)
  const second = await server.call('GET', `${configMaps}?limit=2&continue=${next}`)
  t.same(names(second.json.items), ['c', 'd'], 'as it was at the version of the first piece')
  t.equal(second.json.metadata.resourceVersion, first.json.metadata.resourceVersion)
  t.equal(second.json.metadata.continue, undefined)
})

await t.test('a piece that is too old is 410 and offers to go on without the past', async (t) => {
  const server = await start(t, { tuning: { eventWindow: 4 } })
  for (const name of ['a', 'b', 'c']) await put(server, name)
  const first = await server.call('GET', `${configMaps}?limit=1`)
  for (let index = 0; index < 10; index += 1) await put(server, 'c', { n: String(index) })
  const next = encodeURIComponent(first.json.metadata.continue as string)
  const gone = await server.call('GET', `${configMaps}?limit=1&continue=${next}`)
  t.equal(gone.status, 410)
  t.match(gone.json, { reason: 'Expired', metadata: { continue: String } })
  const again = encodeURIComponent(gone.json.metadata.continue as string)
  const rest = await server.call('GET', `${configMaps}?continue=${again}`)
  t.same(names(rest.json.items), ['b', 'c'])
  t.equal((await server.call('GET', `${configMaps}?continue=nonsense`)).status, 400)
})

await t.test('lists obey resourceVersion and resourceVersionMatch', async (t) => {
  const server = await start(t)
  const old = await put(server, 'a')
  const current = await put(server, 'b')
  const list = (query: string) => server.call('GET', `${configMaps}?${query}`)
  t.same(names((await list(`resourceVersion=0`)).json.items), ['a', 'b'])
  t.same(names((await list(`resourceVersion=${old}`)).json.items), ['a', 'b'])
  const exact = await list(`resourceVersion=${old}&resourceVersionMatch=Exact`)
  t.same(names(exact.json.items), ['a'])
  t.equal(exact.json.metadata.resourceVersion, old)
  const future = await list(`resourceVersion=${Number(current) + 100}`)
  t.equal(future.status, 504)
  t.match(future.json.details.causes, [{ reason: 'ResourceVersionTooLarge' }])
  t.equal((await list('resourceVersionMatch=Exact')).status, 422)
  t.equal((await list('resourceVersion=0&resourceVersionMatch=Exact')).status, 422)
  t.equal((await list('resourceVersion=abc')).status, 400)
})

await t.test('a client that does not read is cut off, and nobody else notices', async (t) => {
  const server = await start(t, { tuning: { watchBacklogBytes: 64 * 1024 } })
  using other = await server.watch(`${configMaps}?watch=true`)
  const slow = connect({ host: '127.0.0.1', port: server.server.port, ca: server.server.ca })
  const closed = new Promise((resolve) => slow.once('close', resolve))
  slow.on('error', () => undefined)
  await new Promise<void>((resolve) => slow.once('secureConnect', resolve))
  slow.write(
    `GET ${configMaps}?watch=true HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${adminToken}\r\n\r\n`,
  )
  slow.pause()
  const data = { x: 'x'.repeat(512 * 1024) }
  await server.call('POST', configMaps, { body: { metadata: { name: 'big' }, data } })
  t.match(await other.next(), { type: 'ADDED' })
  for (let index = 0; index < 20; index += 1) {
    const body = { metadata: { name: 'big' }, data: { ...data, n: String(index) } }
    await server.call('PUT', `${configMaps}/big`, { body })
    t.match((await other.next()).type, 'MODIFIED')
  }
  slow.resume()
  await closed
  t.pass('the slow one was cut')
})

await t.test('a thousand watches hear of a change', async (t) => {
  const server = await start(t)
  const opening = Array.from({ length: 1_000 }, () => server.watch(`${configMaps}?watch=true`))
  const watches = await Promise.all(opening)
  await put(server, 'a')
  const events = await Promise.all(watches.map((watch) => watch.next()))
  t.equal(events.filter((event) => event?.type === 'ADDED').length, 1_000)
  for (const watch of watches) watch[Symbol.dispose]()
})
