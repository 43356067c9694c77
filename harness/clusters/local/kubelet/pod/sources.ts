import type { AbortOptions } from '../../../../model/abort.ts'
import type { KubeClient, KubeObject } from '../../../../model/kubernetes.ts'
import { configMaps, secrets } from '../../../kube/types.ts'
import type { KeyToPath } from './pod.ts'

/** Key and value of one ConfigMap or Secret. */
export interface Source {
  /** `configmap default/settings`, for messages. */
  readonly what: string
  readonly values: ReadonlyMap<string, Buffer>
}

/** ConfigMaps and Secrets of a namespace. A missing one is empty when it is optional. */
export interface Sources {
  configMap(name: string, optional: boolean, options: AbortOptions): Promise<Source>
  secret(name: string, optional: boolean, options: AbortOptions): Promise<Source>
}

type Data = Readonly<Record<string, string>>

export function sources(kube: KubeClient, namespace: string): Sources {
  return {
    configMap: async (name, optional, options) => {
      const found = await kube.get(configMaps, { namespace, name }, options)
      const values = [...entries(found, 'data', 'utf8'), ...entries(found, 'binaryData', 'base64')]
      return source('configmap', namespace, name, found !== undefined || optional, values)
    },
    secret: async (name, optional, options) => {
      const found = await kube.get(secrets, { namespace, name }, options)
      const values = entries(found, 'data', 'base64')
      return source('secret', namespace, name, found !== undefined || optional, values)
    },
  }
}

/**
 * Picks keys and names them anew; all of them by their own names when there are no `items`.
 * @throws Error when a key is missing and the source is not optional
 */
export function select(
  { what, values }: Source,
  wanted: { readonly items?: readonly KeyToPath[]; readonly optional?: boolean },
): ReadonlyMap<string, { readonly data: Buffer; readonly mode?: number }> {
  if (wanted.items === undefined) return new Map([...values].map(([key, data]) => [key, { data }]))
  const picked = new Map<string, { readonly data: Buffer; readonly mode?: number }>()
  for (const { key, path, mode } of wanted.items) {
    const data = values.get(key)
    if (data !== undefined) picked.set(path, { data, ...(mode !== undefined && { mode }) })
    else if (wanted.optional !== true)
      throw new Error(`${what} references non-existent config key: ${key}`)
  }
  return picked
}

function source(
  kind: string,
  namespace: string,
  name: string,
  mayBe: boolean,
  values: readonly (readonly [string, Buffer])[],
): Source {
  if (!mayBe) throw new Error(`${kind} "${name}" not found`)
  return { what: `${kind} ${namespace}/${name}`, values: new Map(values) }
}

function entries(
  object: KubeObject | undefined,
  field: string,
  encoding: BufferEncoding,
): readonly (readonly [string, Buffer])[] {
  return Object.entries((object?.[field] ?? {}) as Data).map(
    ([key, value]) => [key, Buffer.from(value, encoding)] as const,
  )
}
