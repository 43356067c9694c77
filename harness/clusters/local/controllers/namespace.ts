import type { KubeObject, ResourceType } from '../../../model/kubernetes.ts'
import { namespaces, pathOf, serviceAccounts, configMaps } from '../../kube/types.ts'
import { type ControllerContext, createOnce } from './context.ts'
import { keyOf } from './objects.ts'

/** How soon a namespace that is not empty yet is looked at again. */
const retryMs = 50

interface ResourceList {
  readonly resources?: readonly {
    readonly name: string
    readonly kind: string
    readonly namespaced: boolean
    readonly verbs: readonly string[]
  }[]
}

/** Empties namespaces that are deleted; gives every other one its ServiceAccount and the cluster's CA. */
export function namespaceController(context: ControllerContext, ca: string): void {
  const { client, signal } = context
  const all = context.watch(namespaces)
  const accounts = context.watch(serviceAccounts)
  const queue = context.queue('namespace', reconcile)
  all.onChange(({ object, kind }) => {
    if (kind !== 'deleted') queue.add(object.metadata.name)
  })
  accounts.onChange(({ object, kind }) => {
    if (kind === 'deleted') queue.add(object.metadata.namespace ?? '')
  })

  async function reconcile(name: string): Promise<void> {
    // why: the watch may still show one that is gone, and what is in its successor is not to be deleted
    const namespace = await client.get(namespaces, { name }, { signal })
    if (namespace === undefined) return
    if (namespace.metadata.deletionTimestamp === undefined) await furnish(name)
    else if ((await empty(name)) === 0) await finalize(namespace)
    else queue.addAfter(name, retryMs)
  }

  async function furnish(namespace: string): Promise<void> {
    const account = {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default', namespace },
    }
    const root = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: 'kube-root-ca.crt',
        namespace,
        annotations: {
          'kubernetes.io/description':
            'Contains a CA bundle that can be used to verify the kube-apiserver.',
        },
      },
      data: { 'ca.crt': ca },
    }
    await Promise.all([
      createOnce(context, serviceAccounts, account),
      createOnce(context, configMaps, root),
    ])
  }

  /** Deletes everything in a namespace; gives how many objects are still there. */
  async function empty(namespace: string): Promise<number> {
    const counts = await Promise.all(
      (await namespacedTypes()).map(async (type) => {
        const { items } = await client.list(type, { namespace, signal })
        if (items.some(({ metadata }) => metadata.deletionTimestamp === undefined))
          await client.request('DELETE', pathOf(type, { namespace }), { signal })
        return items.length
      }),
    )
    return counts.reduce((sum, count) => sum + count, 0)
  }

  async function namespacedTypes(): Promise<readonly ResourceType[]> {
    const { groups = [] } = await read<{
      groups?: readonly { versions: readonly { groupVersion: string }[] }[]
    }>('/apis')
    const versions = [
      'v1',
      ...groups.flatMap((group) =>
        group.versions.slice(0, 1).map(({ groupVersion }) => groupVersion),
      ),
    ]
    const lists = await Promise.all(
      versions.map(async (groupVersion) => {
        const path = groupVersion === 'v1' ? '/api/v1' : `/apis/${groupVersion}`
        const [group = '', version = groupVersion] = groupVersion.includes('/')
          ? groupVersion.split('/')
          : ['', groupVersion]
        const { resources = [] } = await read<ResourceList>(path)
        return resources
          .filter(
            (one) =>
              one.namespaced &&
              !one.name.includes('/') &&
              one.verbs.includes('list') &&
              one.verbs.includes('delete'),
          )
          .map(({ name: plural, kind }): ResourceType => ({
            group,
            version,
            kind,
            plural,
            namespaced: true,
          }))
      }),
    )
    return lists.flat()
  }

  async function read<T>(path: string): Promise<T> {
    const { body } = await client.request('GET', path, { signal })
    return JSON.parse(body) as T
  }

  async function finalize(namespace: KubeObject): Promise<void> {
    const body = { ...namespace, spec: { finalizers: [] } }
    await client.request(
      'PUT',
      `${pathOf(namespaces, { name: keyOf(namespace.metadata) })}/finalize`,
      { body, signal },
    )
  }
}
