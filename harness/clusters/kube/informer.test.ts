import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { KubeError } from '../../model/errors.ts'
import type { KubeClient, KubeObject, WatchEvent } from '../../model/kubernetes.ts'
import { informer } from './informer.ts'
import { configMaps } from './types.ts'

/** A double of the API: one list, and watches as scripted. */
function apiDouble(
  watches: (asked: number, from: string | undefined) => AsyncIterable<WatchEvent<KubeObject>>,
): {
  readonly client: KubeClient
  readonly asked: { lists: number; watches: number }
} {
  const asked = { lists: 0, watches: 0 }
  const client = {
    list: () => {
      asked.lists += 1
      return Promise.resolve({ resourceVersion: '7', items: [named('a', '7')] })
    },
    watch: (_type: unknown, { resourceVersion }: { readonly resourceVersion?: string }) => {
      asked.watches += 1
      return watches(asked.watches, resourceVersion)
    },
  } as unknown as KubeClient
  return { client, asked }
}

function named(name: string, resourceVersion: string): KubeObject {
  const metadata = { name, namespace: 'default', resourceVersion }
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata }
}

async function* nothing(): AsyncGenerator<WatchEvent<KubeObject>> {
  // ends at once
}

t.test('a server that ends every watch at once is asked ever more rarely', async (t) => {
  const stop = new AbortController()
  const { client, asked } = apiDouble(nothing)
  informer({ client, type: configMaps, signal: stop.signal })
  await delay(700)
  stop.abort()
  t.ok(asked.watches >= 2 && asked.watches < 12, `${asked.watches} watches in 0.7 s`)
  t.equal(asked.lists, 1, 'and not listed again')
})

t.test('410 Gone lists again, and not without a pause either', async (t) => {
  const stop = new AbortController()
  const { client, asked } = apiDouble(() => {
    throw new KubeError(410, 'Expired', 'too old resource version')
  })
  informer({ client, type: configMaps, signal: stop.signal })
  await delay(700)
  stop.abort()
  t.ok(asked.lists >= 2 && asked.lists < 12, `${asked.lists} lists in 0.7 s`)
})

t.test('what a watch tells is in the copy and in the changes', async (t) => {
  const stop = new AbortController()
  t.teardown(() => {
    stop.abort()
  })
  const { client } = apiDouble(async function* (asked) {
    if (asked === 1) {
      yield { type: 'ADDED', object: named('b', '8') }
      yield { type: 'DELETED', object: named('a', '9') }
    } else await delay(60_000, undefined, { signal: stop.signal }).catch(() => undefined)
  })
  const copy = informer({ client, type: configMaps, signal: stop.signal })
  const seen: string[] = []
  const done = new Promise<void>((resolve) => {
    copy.onChange(({ kind, object }) => {
      seen.push(`${kind} ${object.metadata.name}`)
      if (kind === 'deleted') resolve()
    })
  })
  await done
  t.same(seen, ['added a', 'added b', 'deleted a'])
  t.same(
    copy.list().map(({ metadata }) => metadata.name),
    ['b'],
  )
})

t.test('a watch that breaks goes on where it was', async (t) => {
  const stop = new AbortController()
  t.teardown(() => {
    stop.abort()
  })
  const from = await new Promise((resolve) => {
    const { client } = apiDouble(async function* (asked, version) {
      if (asked === 1) {
        yield { type: 'ADDED', object: named('b', '8') }
        throw new Error('the connection broke')
      }
      resolve(version)
      await delay(60_000, undefined, { signal: stop.signal }).catch(() => undefined)
    })
    informer({ client, type: configMaps, signal: stop.signal })
  })
  t.equal(from, '8')
})
