/** When a pod of a fixture is no evidence against the target. */
import t from 'tap'
import type { FixtureContext } from '../../model/check.ts'
import type { KubeClient, KubeObject } from '../../model/kubernetes.ts'
import { clusterDouble } from '../testing/doubles.ts'
import { fixturesOf } from './fixtures.ts'
import type { Namespaces } from './namespaces.ts'

const fixture = { id: 'f', manifests: () => [], ready: () => Promise.resolve() }

/** What a fixture with these pods says after it was made with `web`. */
async function whyDead(
  pods: readonly KubeObject[],
  breaksNodes: boolean,
): Promise<string | undefined> {
  let now: readonly KubeObject[] = [pod({})]
  const list = (() =>
    Promise.resolve({ items: now, resourceVersion: '1' })) as unknown as KubeClient['list']
  const cluster = clusterDouble([])
  const context = {
    cluster: { ...cluster, kube: { ...cluster.kube, list } },
    nodes: [],
    backendImage: 'none',
    probe: () => Promise.reject(new Error('unused')),
    keepForAll: () => undefined,
    namespace: 'n',
    signal: new AbortController().signal,
  } satisfies FixtureContext
  const namespaces = {
    named: (word: string) => word,
    apply: () => Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve() }),
  } as unknown as Namespaces
  const fixtures = fixturesOf({ namespaces, context, uses: new Map() })
  await fixtures.acquire(fixture)
  now = pods
  return fixtures.whyDead(fixture, breaksNodes)
}

function pod({
  ready = 'True',
  containersReady = 'True',
  restartCount = 0,
}: {
  readonly ready?: string
  readonly containersReady?: string
  readonly restartCount?: number
}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', uid: '1' },
    status: {
      conditions: [
        { type: 'Ready', status: ready },
        { type: 'ContainersReady', status: containersReady },
      ],
      containerStatuses: [{ restartCount }],
    },
  }
}

t.test('a pod that is ready, and was all the time, is alive', async (t) => {
  t.equal(await whyDead([pod({})], false), undefined)
})

t.test('a pod that is gone, was restarted or is not ready is dead', async (t) => {
  for (const breaksNodes of [false, true]) {
    t.match(await whyDead([], breaksNodes), /1 pod\(s\) are gone/)
    t.match(await whyDead([pod({ restartCount: 1 })], breaksNodes), /^web: /)
    const down = pod({ ready: 'False', containersReady: 'False' })
    t.match(await whyDead([down], breaksNodes), /^web: /)
  }
})

t.test(
  'a pod whose node was cut off on purpose is alive, though it counts as not ready',
  async (t) => {
    const unheardOf = pod({ ready: 'False' })
    t.equal(await whyDead([unheardOf], true), undefined)
    t.match(await whyDead([unheardOf], false), /^web: /, 'where no check cut it off it is dead')
  },
)
