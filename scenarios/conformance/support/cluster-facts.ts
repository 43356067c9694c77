import type { CheckContext, KubeObject } from '../../../harness/api.ts'

type Context = Pick<CheckContext, 'cluster' | 'signal'>

/** An object that has to exist. @throws Error when it does not: trouble of the harness */
export async function objectOf(
  context: Context,
  type: { readonly apiVersion: string; readonly kind: string },
  key: { readonly namespace?: string; readonly name: string },
): Promise<KubeObject> {
  const { kube } = context.cluster
  const found = await kube.get(await kube.typeOf(type, context), key, context)
  if (found === undefined)
    throw new Error(`${type.kind} ${key.namespace ?? ''}/${key.name} does not exist`)
  return found
}

/** ClusterIPs of a Service, the first its `clusterIP`. */
export async function clusterIpsOf(
  context: Context,
  namespace: string,
  name: string,
): Promise<readonly string[]> {
  const { spec } = await objectOf(
    context,
    { apiVersion: 'v1', kind: 'Service' },
    { namespace, name },
  )
  const { clusterIP = '', clusterIPs } = spec as { clusterIP?: string; clusterIPs?: string[] }
  return clusterIPs ?? [clusterIP]
}

/** The ClusterIP of a Service that has one. */
export async function clusterIpOf(
  context: Context,
  namespace: string,
  name: string,
): Promise<string> {
  const [first = ''] = await clusterIpsOf(context, namespace, name)
  if (first === '' || first === 'None') throw new Error(`Service ${name} has no ClusterIP`)
  return first
}

export interface PodFacts {
  readonly name: string
  readonly ip: string
  readonly node: string
  readonly ready: boolean
}

/** Pods of a namespace that have an address, by name. */
export async function podsOf(
  context: Context,
  namespace: string,
  labelSelector?: string,
): Promise<readonly PodFacts[]> {
  const { kube } = context.cluster
  const pods = await kube.typeOf({ apiVersion: 'v1', kind: 'Pod' }, context)
  const { items } = await kube.list(pods, {
    namespace,
    signal: context.signal,
    ...(labelSelector !== undefined && { labelSelector }),
  })
  return items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata, spec, status }) => {
      const { podIP = '', conditions = [] } = (status ?? {}) as {
        podIP?: string
        conditions?: readonly { type: string; status: string }[]
      }
      return {
        name: metadata.name,
        ip: podIP,
        node: (spec as { nodeName?: string }).nodeName ?? '',
        ready: conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
      }
    })
    .filter(({ ip }) => ip !== '')
    .sort((a, b) => a.name.localeCompare(b.name))
}
