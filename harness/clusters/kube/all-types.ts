import type { AbortOptions } from '../../model/abort.ts'
import type { KubeClient, ResourceType } from '../../model/kubernetes.ts'
import { groupVersion } from './types.ts'

interface GroupList {
  readonly groups?: readonly { readonly preferredVersion: { readonly groupVersion: string } }[]
}

interface ResourceList {
  readonly resources?: readonly {
    readonly name: string
    readonly kind: string
    readonly namespaced: boolean
    readonly verbs: readonly string[]
  }[]
}

/** Every type whose objects this API lists and deletes, in the versions that it prefers; groups that fail are left out. */
export async function allTypes(
  kube: KubeClient,
  options: AbortOptions,
): Promise<readonly ResourceType[]> {
  const { groups = [] } = await read<GroupList>(kube, '/apis', options)
  const versions = ['v1', ...groups.map(({ preferredVersion }) => preferredVersion.groupVersion)]
  const found = await Promise.all(
    versions.map(async (version) => {
      const path = version === 'v1' ? '/api/v1' : `/apis/${version}`
      const { resources = [] } = await read<ResourceList>(kube, path, options)
      return resources
        .filter(({ name, verbs }) => !name.includes('/') && verbs.includes('list'))
        .filter(({ verbs }) => verbs.includes('delete'))
        .map(({ name, kind, namespaced }): ResourceType => {
          return { ...groupVersion(version), kind, plural: name, namespaced }
        })
    }),
  )
  return found.flat()
}

/** An empty document where the API has none: an aggregated API whose server is away answers 503. */
async function read<T extends object>(
  kube: KubeClient,
  path: string,
  { signal }: AbortOptions,
): Promise<Partial<T>> {
  // why: all groups are asked at once, and each request listens to its signal
  const { status, body } = await kube.request('GET', path, { signal: AbortSignal.any([signal]) })
  return status === 200 ? (JSON.parse(body) as T) : {}
}
