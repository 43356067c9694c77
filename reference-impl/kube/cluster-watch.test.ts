import { strict as assert } from 'node:assert'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import {
  ApiDouble,
  paths,
  serviceObject,
  sliceObject,
  smallCluster,
} from '../testing/api-double.ts'
import { eventually } from '../testing/eventually.ts'
import { apiOf } from './api.ts'
import { ClusterWatch } from './cluster-watch.ts'
import type { ReflectorTiming } from './reflector.ts'
import { SavedState } from './saved-state.ts'
import type { Snapshot } from './snapshot.ts'

interface Following extends AsyncDisposable {
  readonly watch: ClusterWatch
  readonly snapshots: readonly Snapshot[]
  readonly warnings: readonly string[]
  /** `kubernetes=10.96.0.1 web=10.96.0.10` of the newest snapshot. */
  services(): string
}

const quick: Partial<ReflectorTiming> = {
  firstRetryMs: 5,
  largestRetryMs: 50,
  emptyListConfirmMs: 150,
}

async function follow(
  server: string,
  { timing = {}, saved }: { timing?: Partial<ReflectorTiming>; saved?: SavedState } = {},
): Promise<Following> {
  const snapshots: Snapshot[] = []
  const warnings: string[] = []
  const none = (): void => undefined
  const api = apiOf({ server, skipVerify: false, token: () => Promise.resolve('secret') })
  const watch = new ClusterWatch({
    api,
    nodeName: 'edge-node-a',
    log: { debug: none, info: none, warn: (message) => void warnings.push(message), error: none },
    onSnapshot: (snapshot) => void snapshots.push(snapshot),
    timing: { ...quick, ...timing },
    ...(saved !== undefined && { saved }),
  })
  await watch.start()
  return {
    watch,
    snapshots,
    warnings,
    services: () =>
      [...(snapshots.at(-1)?.services.values() ?? [])]
        .map(({ name, clusterIps }) => `${name}=${clusterIps.join()}`)
        .sort()
        .join(' '),
    [Symbol.asyncDispose]: async () => {
      await watch.stop()
      api.close()
    },
  }
}

async function cluster(): Promise<{ api: ApiDouble; server: string } & AsyncDisposable> {
  const api = new ApiDouble()
  smallCluster(api)
  return { api, server: await api.listen(), [Symbol.asyncDispose]: async () => api.close() }
}

const known = 'kubernetes=10.96.0.1 web=10.96.0.10'

async function sees(one: Following, want: string, withinMs?: number): Promise<void> {
  const sorted = want.split(' ').sort().join(' ')
  await eventually(() => assert.equal(one.services(), sorted), withinMs)
}

t.test('the first snapshot is that of the whole cluster', async (t) => {
  await using given = await cluster()
  await using one = await follow(given.server)
  await sees(one, known)
  const [first] = one.snapshots
  t.equal(first?.services.size, 2)
  t.match(first?.services.get('default/web')?.ports, [
    { name: 'http', endpoints: [{ address: '10.244.1.7', port: 8080, ready: true }, {}] },
  ])
  t.same(first?.node, {
    name: 'edge-node-a',
    addresses: ['192.168.50.1'],
    podCidrs: ['10.244.1.0/24'],
  })
  t.ok(first?.namespaces.has('default'))
  t.ok(one.watch.status.isSynced)
  t.ok(one.watch.status.ageSeconds < 60)
})

t.test('changes show, bursts make few snapshots, untouched Services keep their view', async (t) => {
  await using given = await cluster()
  await using one = await follow(given.server)
  await sees(one, known)
  const before = one.snapshots.at(-1)
  for (let i = 0; i < 500; i += 1)
    given.api.put(paths.services, serviceObject('burst', `10.96.1.${i % 250}`))
  await sees(one, `${known} burst=10.96.1.249`)
  t.ok(one.snapshots.length < 50, `${one.snapshots.length} snapshots`)
  t.equal(one.snapshots.at(-1)?.services.get('default/web'), before?.services.get('default/web'))
  given.api.delete(paths.services, 'default/burst')
  await sees(one, known)
  given.api.put(paths.slices, sliceObject('web-2', 'web', ['10.244.1.9', '10.244.1.8']))
  await eventually(() => {
    const endpoints = one.snapshots.at(-1)?.services.get('default/web')?.ports[0]?.endpoints
    assert.deepEqual(
      endpoints?.map(({ address }) => address),
      ['10.244.1.7', '10.244.1.8', '10.244.1.9'],
    )
  })
})

t.test('what changes nothing makes no snapshot', async (t) => {
  await using given = await cluster()
  await using one = await follow(given.server)
  await sees(one, known)
  const count = one.snapshots.length
  given.api.put(paths.services, {
    ...serviceObject('web', '10.96.0.10'),
    status: { conditions: [{ type: 'x' }] },
  })
  given.api.put(paths.services, serviceObject('mark', '10.96.0.77'))
  await sees(one, `${known} mark=10.96.0.77`)
  t.equal(one.snapshots.length, count + 1)
})

t.test('watches that are cut go on where they were, without a new list', async (t) => {
  await using given = await cluster()
  await using one = await follow(given.server)
  await sees(one, known)
  await eventually(() => assert.ok(given.api.count('watch=true') >= 4))
  const lists = given.api.count('limit=')
  given.api.cut()
  given.api.put(paths.services, serviceObject('later', '10.96.0.50'))
  await sees(one, `${known} later=10.96.0.50`)
  t.equal(given.api.count('limit='), lists)
})

t.test('a watch from before the compaction begins anew with a list', async () => {
  await using given = await cluster()
  await using one = await follow(given.server)
  await sees(one, known)
  await eventually(() => assert.ok(given.api.count('watch=true') >= 4))
  given.api.isStalled = true
  given.api.put(paths.services, serviceObject('later', '10.96.0.50'))
  given.api.delete(paths.services, 'default/web')
  given.api.compact()
  given.api.isStalled = false
  given.api.cut()
  await sees(one, 'kubernetes=10.96.0.1 later=10.96.0.50')
})

t.test('a watch that says nothing is not waited for', async () => {
  await using given = await cluster()
  // a watch ends after 1 s; 4 s later its silence is taken for death
  await using one = await follow(given.server, { timing: { watchMs: 1000 } })
  await sees(one, known)
  await eventually(() => assert.ok(given.api.count('watch=true') >= 4))
  given.api.freeze()
  given.api.put(paths.services, serviceObject('later', '10.96.0.50'))
  await sees(one, `${known} later=10.96.0.50`, 10_000)
})

for (const misbehaviour of [
  { kind: 'status', status: 401 },
  { kind: 'status', status: 403 },
  { kind: 'status', status: 500 },
  { kind: 'garbage' },
  { kind: 'reset' },
] as const)
  t.test(`${JSON.stringify(misbehaviour)}: the last good state stays`, async (t) => {
    await using given = await cluster()
    await using one = await follow(given.server)
    await sees(one, known)
    given.api.misbehaviour = misbehaviour
    given.api.compact()
    given.api.cut()
    await eventually(() => assert.ok((one.watch.status.failures.services ?? 0) > 2))
    t.equal(one.services(), known)
    t.ok(one.warnings.length < 20, 'each trouble is told once, not each time')
    given.api.misbehaviour = undefined
    given.api.put(paths.services, serviceObject('later', '10.96.0.50'))
    await sees(one, `${known} later=10.96.0.50`)
  })

t.test('nonsense in a watch is passed over', async () => {
  await using given = await cluster()
  await using one = await follow(given.server)
  await sees(one, known)
  await eventually(() => assert.ok(given.api.count('watch=true') >= 4))
  for (const line of ['{"type":', '[]', '{"type":"ADDED","object":null}', '{"type":"ADDED"}'])
    given.api.say(line)
  given.api.put(paths.services, { metadata: { name: 'no-spec', namespace: 'default' } })
  given.api.put(paths.services, serviceObject('later', '10.96.0.50'))
  await sees(one, `${known} later=10.96.0.50`)
})

t.test('an empty list is believed only when a second one agrees', async (t) => {
  await using given = await cluster()
  await using one = await follow(given.server)
  await sees(one, known)
  given.api.misbehaviour = { kind: 'empty-list' }
  given.api.compact()
  given.api.cut()
  await eventually(() => assert.ok(given.api.count('/services?limit') >= 2))
  t.equal(one.services(), known)
  given.api.misbehaviour = undefined
  given.api.put(paths.services, serviceObject('later', '10.96.0.50'))
  await sees(one, `${known} later=10.96.0.50`)
  for (const name of ['kubernetes', 'web', 'later'])
    given.api.delete(paths.services, `default/${name}`)
  await sees(one, '')
})

t.test('lists longer than a page are read to the end', async (t) => {
  await using given = await cluster()
  for (let i = 0; i < 1203; i += 1)
    given.api.put(paths.services, serviceObject(`s${i}`, `10.97.${i >> 8}.${i & 255}`))
  await using one = await follow(given.server)
  await eventually(() => assert.equal(one.snapshots.at(-1)?.services.size, 1205))
  t.equal(given.api.count('continue='), 2)
})

t.test('the saved state serves while the API is away, and the API when it is back', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'meshmark-state-'))
  t.teardown(async () => rm(directory, { recursive: true }))
  const saved = new SavedState(directory)
  const api = new ApiDouble()
  smallCluster(api)
  const server = await api.listen()
  {
    await using one = await follow(server, { saved })
    await sees(one, known)
  }
  await api.close()
  await using one = await follow(server, { saved })
  t.equal(one.services(), known, 'at once')
  t.ok(one.watch.status.isFromDisk)
  t.match(one.snapshots[0]?.services.get('default/web')?.ports[0]?.endpoints, [{ port: 8080 }, {}])
  api.put(paths.services, serviceObject('later', '10.96.0.50'))
  await api.listen(Number(new URL(server).port))
  await sees(one, `${known} later=10.96.0.50`)
  t.notOk(one.watch.status.isFromDisk)
  await api.close()
})

t.test('a saved state that is damaged or foreign is not used', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'meshmark-state-'))
  t.teardown(async () => rm(directory, { recursive: true }))
  const saved = new SavedState(directory)
  t.equal(await saved.load(), undefined, 'none yet')
  const records = { services: [], slices: [], namespaces: [{ name: 'default' }], nodes: [] }
  await saved.save(records)
  t.same((await saved.load())?.records, records)
  const many = {
    ...records,
    namespaces: Array.from({ length: 250 }, (_, i) => ({ name: `n${i}` })),
  }
  await saved.save(many)
  t.same((await saved.load())?.records, many, 'also what is written in pieces')
  await saved.save(records)
  const text = await readFile(saved.path, 'utf8')
  await writeFile(saved.path, text.replace('default', 'defaulx'))
  await t.rejects(saved.load(), { message: /damaged/ })
  await writeFile(saved.path, text.slice(0, -3))
  await t.rejects(saved.load(), { message: /damaged/ })
  await writeFile(saved.path, text.replace('meshmark-state/1', 'meshmark-state/9'))
  await t.rejects(saved.load(), { message: /format/ })
  for (const nonsense of ['', '\0\0\0', '{}', 'x\ny', 'null\n']) {
    await writeFile(saved.path, nonsense)
    await t.rejects(saved.load(), JSON.stringify(nonsense))
    await using given = await cluster()
    await using one = await follow(given.server, { saved })
    await sees(one, known)
  }
})

t.test('a state that cannot be saved stops nothing', async (t) => {
  await using given = await cluster()
  await using one = await follow(given.server, { saved: new SavedState('/proc/nowhere') })
  await sees(one, known)
  await eventually(() => assert.match(one.warnings.join(), /could not be saved/))
  given.api.put(paths.services, serviceObject('later', '10.96.0.50'))
  await sees(one, `${known} later=10.96.0.50`)
  t.pass()
})
