/** Which namespaces are emptied: those that the API server says are deleted, whatever a watch still shows. */
import t from 'tap'
import type { KubeObject } from '../../../model/kubernetes.ts'
import type { ControllerContext } from './context.ts'
import { namespaceController } from './namespace.ts'

/** What the controller asks of the API when a watch and the API server know these two namespaces by the name `n`. */
async function reconciled(
  watched: KubeObject | undefined,
  known: KubeObject | undefined,
): Promise<readonly string[]> {
  const asked: string[] = []
  let reconcile: (key: string) => Promise<void> = () => Promise.reject(new Error('no queue'))
  const client = {
    get: () => Promise.resolve(known),
    list: () => Promise.resolve({ items: [], resourceVersion: '1' }),
    create: (_: unknown, object: KubeObject) => {
      asked.push(`create ${object.kind}`)
      return Promise.resolve(object)
    },
    request: (method: string, path: string) => {
      if (method !== 'GET') asked.push(`${method} ${path}`)
      const resources = [
        { name: 'pods', kind: 'Pod', namespaced: true, verbs: ['list', 'delete'] },
        { name: 'nodes', kind: 'Node', namespaced: false, verbs: ['list', 'delete'] },
      ]
      return Promise.resolve({ status: 200, body: JSON.stringify({ resources }) })
    },
  }
  const context = {
    client,
    signal: new AbortController().signal,
    watch: () => ({ get: () => watched, onChange: () => () => undefined }),
    queue: (_: string, work: typeof reconcile) => {
      reconcile = work
      return { add: () => undefined, addAfter: () => undefined, close: () => Promise.resolve() }
    },
  } as unknown as ControllerContext
  namespaceController(context, 'ca')
  await reconcile('n')
  return asked
}

function namespace(deletionTimestamp?: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'n', ...(deletionTimestamp !== undefined && { deletionTimestamp }) },
  }
}

const deleted = namespace('2026-11-25T00:00:00Z')

t.test('a namespace that is deleted and empty is finalized', async (t) => {
  t.same(await reconciled(deleted, deleted), ['PUT /api/v1/namespaces/n/finalize'])
})

t.test('one of the same name that came after it is furnished, not emptied', async (t) => {
  const asked = await reconciled(deleted, namespace())
  t.same([...asked].sort(), ['create ConfigMap', 'create ServiceAccount'])
})

t.test('nothing is done for one that is gone', async (t) => {
  t.same(await reconciled(deleted, undefined), [])
})
