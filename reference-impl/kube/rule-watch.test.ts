import { strict as assert } from 'node:assert'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { ApiDouble, type KubeObject, smallCluster } from '../testing/api-double.ts'
import { eventually } from '../testing/eventually.ts'
import { apiOf } from './api.ts'
import { ClusterWatch } from './cluster-watch.ts'
import { SavedState } from './saved-state.ts'
import type { Snapshot } from './snapshot.ts'

const group = '/apis/networking.istio.io'
const at = (version: string): string => `${group}/${version}/destinationrules`

const rule = (name: string, simple: string): KubeObject => ({
  metadata: { name, namespace: 'default' },
  spec: { host: name, trafficPolicy: { loadBalancer: { simple } } },
})

interface Following extends AsyncDisposable {
  readonly watch: ClusterWatch
  readonly snapshots: readonly Snapshot[]
  /** Log lines of all levels. */
  readonly lines: readonly string[]
  /** `web=random` of the newest snapshot. */
  rules(): string
}

async function follow(
  server: string,
  { saved, confirmMs = 150 }: { saved?: SavedState; confirmMs?: number } = {},
): Promise<Following> {
  const snapshots: Snapshot[] = []
  const lines: string[] = []
  const say = (message: string): void => void lines.push(message)
  const api = apiOf({ server, skipVerify: false, token: () => Promise.resolve('secret') })
  const watch = new ClusterWatch({
    api,
    nodeName: 'edge-node-a',
    log: { debug: say, info: say, warn: say, error: say },
    onSnapshot: (snapshot) => void snapshots.push(snapshot),
    timing: { firstRetryMs: 5, largestRetryMs: 50, emptyListConfirmMs: confirmMs },
    absentLookMs: 60,
    ...(saved !== undefined && { saved }),
  })
  await watch.start()
  return {
    watch,
    snapshots,
    lines,
    rules: () => rulesOf(snapshots.at(-1)),
    [Symbol.asyncDispose]: async () => {
      await watch.stop()
      api.close()
    },
  }
}

function rulesOf(snapshot: Snapshot | undefined): string {
  const rules = snapshot?.destinationRules ?? []
  return rules.map(({ name, policy }) => `${name}=${JSON.stringify(policy)}`).join(' ')
}

async function cluster(): Promise<{ api: ApiDouble; server: string } & AsyncDisposable> {
  const api = new ApiDouble()
  smallCluster(api)
  return { api, server: await api.listen(), [Symbol.asyncDispose]: async () => api.close() }
}

async function sees(one: Following, want: string): Promise<void> {
  await eventually(() => assert.equal(one.rules(), want))
}

t.test('the first snapshot knows the rules; changes and deletions follow', async (t) => {
  await using given = await cluster()
  given.api.put(at('v1'), rule('web', 'RANDOM'))
  given.api.misbehaviour = { kind: 'late', delayMs: 150 }
  given.api.misbehaviourMatch = 'networking.istio.io'
  await using one = await follow(given.server)
  await sees(one, 'web="random"')
  given.api.misbehaviour = undefined
  t.equal(rulesOf(one.snapshots[0]), 'web="random"', 'from the first one on')
  given.api.put(at('v1'), rule('web', 'LEAST_CONN'))
  await sees(one, 'web="least-request"')
  given.api.delete(at('v1'), 'default/web')
  await sees(one, '')
})

for (const version of ['v1beta1', 'v1alpha3'])
  t.test(`an API that serves ${version} only is enough`, async (t) => {
    await using given = await cluster()
    given.api.absent = ['v1', 'v1beta1', 'v1alpha3'].filter((one) => one !== version).map(at)
    given.api.put(at(version), rule('web', 'RANDOM'))
    await using one = await follow(given.server)
    await sees(one, 'web="random"')
    t.match(one.lines.join(), `followed at ${at(version)}`)
  })

t.test(
  'without the custom resource all else works, quietly; it is found when it comes',
  async (t) => {
    await using given = await cluster()
    given.api.absent = [group]
    await using one = await follow(given.server)
    await eventually(() => assert.equal(one.snapshots.at(-1)?.services.size, 2))
    t.ok(one.watch.status.isSynced)
    await eventually(() => assert.ok(given.api.count(group) > 8))
    t.equal(given.api.count(`${group}/`), 0, 'one question each time')
    t.same(
      one.lines.filter((line) => line.includes('DestinationRule')),
      ['the API has no DestinationRules: Services are balanced in turn'],
    )
    given.api.put(at('v1'), rule('web', 'RANDOM'))
    given.api.absent = []
    await sees(one, 'web="random"')
  },
)

t.test('the group without the resource is no DestinationRules either', async (t) => {
  await using given = await cluster()
  given.api.absent = ['v1', 'v1beta1', 'v1alpha3'].map(at)
  await using one = await follow(given.server)
  await eventually(() => assert.ok(given.api.count(at('v1alpha3')) > 2))
  t.equal(one.lines.filter((line) => line.includes('DestinationRule')).length, 1)
})

t.test('rules go with their resource, after a second look only', async (t) => {
  await using given = await cluster()
  given.api.put(at('v1'), rule('web', 'RANDOM'))
  await using one = await follow(given.server, { confirmMs: 2_000 })
  await sees(one, 'web="random"')
  const vanish = async (): Promise<void> => {
    const before = given.api.count(group)
    given.api.absent = [group]
    given.api.cut()
    // the watch, then the question whether there are any at all
    await eventually(() => assert.ok(given.api.count(group) >= before + 2))
  }
  await vanish()
  // long enough for a second question, were it asked at once
  await new Promise((resolve) => setTimeout(resolve, 300))
  given.api.absent = []
  given.api.put(at('v1'), rule('web', 'LEAST_REQUEST'))
  await sees(one, 'web="least-request"')
  t.ok(
    one.snapshots.every((snapshot) => rulesOf(snapshot) !== ''),
    'the API was just starting',
  )
  await vanish()
  await sees(one, '')
})

t.test(
  'while rules that vanished are kept, it goes on looking whether they are back',
  async (t) => {
    await using given = await cluster()
    given.api.put(at('v1'), rule('web', 'RANDOM'))
    await using one = await follow(given.server, { confirmMs: 3_600_000 })
    await sees(one, 'web="random"')
    const before = given.api.count(group)
    given.api.absent = [group]
    given.api.cut()
    await eventually(() => assert.ok(given.api.count(group) >= before + 3))
    t.equal(one.rules(), 'web="random"', 'kept')
    given.api.absent = []
    given.api.put(at('v1'), rule('web', 'LEAST_REQUEST'))
    await sees(one, 'web="least-request"')
  },
)

for (const misbehaviour of [
  { kind: 'status', status: 403 },
  { kind: 'status', status: 500 },
  { kind: 'garbage' },
  { kind: 'hang' },
  { kind: 'reset' },
] as const)
  t.test(`${JSON.stringify(misbehaviour)}: Services are served all the same`, async (t) => {
    await using given = await cluster()
    given.api.misbehaviour = misbehaviour
    given.api.misbehaviourMatch = 'networking.istio.io'
    given.api.put(at('v1'), rule('web', 'RANDOM'))
    await using one = await follow(given.server)
    await eventually(() => assert.equal(one.snapshots.at(-1)?.services.size, 2))
    if (misbehaviour.kind === 'hang') return
    await eventually(() => assert.ok(given.api.count(group) > 4))
    const told = one.lines.filter((line) => line.includes('DestinationRule'))
    t.equal(told.length, 1, told.join('\n'))
    given.api.misbehaviour = undefined
    await sees(one, 'web="random"')
  })

t.test('rules that were saved are in force without the API', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'meshmark-rules-'))
  t.teardown(async () => rm(folder, { recursive: true }))
  const given = await cluster()
  given.api.put(at('v1'), rule('web', 'RANDOM'))
  {
    await using one = await follow(given.server, { saved: new SavedState(folder) })
    await sees(one, 'web="random"')
  }
  await given[Symbol.asyncDispose]()
  await using one = await follow(given.server, { saved: new SavedState(folder) })
  t.equal(rulesOf(one.snapshots[0]), 'web="random"')
})

t.test('whatever stands in the list or comes through the watch, the rest stays', async () => {
  await using given = await cluster()
  given.api.put(at('v1'), rule('web', 'RANDOM'))
  for (const [i, spec] of [null, 7, [], { host: null }, { trafficPolicy: 'x' }].entries())
    given.api.put(at('v1'), { metadata: { name: `odd-${i}`, namespace: 'default' }, spec })
  await using one = await follow(given.server)
  await eventually(() => assert.match(one.rules(), /web="random".*odd-4="round-robin"/))
  given.api.say('{"type":"MODIFIED","object":{"metadata":{"name":"web","namespace":"default"}}}')
  await eventually(() => assert.match(one.rules(), /web="round-robin"/))
  given.api.put(at('v1'), rule('web', 'LEAST_REQUEST'))
  await eventually(() => assert.match(one.rules(), /web="least-request"/))
})
