import type { AbortOptions } from '../../../model/abort.ts'
import type { KubeClient, KubeObject } from '../../../model/kubernetes.ts'
import { configMaps, secrets } from '../../kube/types.ts'
import type { KeyToPath } from './pod.ts'

/** ConfigMaps and Secrets of a namespace as plain key and value. */
export interface Sources {
  configMap(
    name: string,
    optional: boolean,
    options: AbortOptions,
  ): Promise<ReadonlyMap<string, Buffer>>
  secret(
    name: string,
    optional: boolean,
    options: AbortOptions,
  ): Promise<ReadonlyMap<string, Buffer>>
}

type Data = Readonly<Record<string, string>>

export function sources(kube: KubeClient, namespace: string): Sources {
  return {
    configMap: async (name, optional, options) => {
      const found = await kube.get(configMaps, { namespace, name }, options)
      if (found === undefined) return absent('configmap', name, optional)
      return new Map([...entries(found, 'data', 'utf8'), ...entries(found, 'binaryData', 'base64')])
    },
    secret: async (name, optional, options) => {
      const found = await kube.get(secrets, { namespace, name }, options)
      if (found === undefined) return absent('secret', name, optional)
      return new Map(entries(found, 'data', 'base64'))
    },
  }
}

/** Picks keys and names them anew; all of them by their own names when `items` is absent. */
export function select(
  values: ReadonlyMap<string, Buffer>,
  items: readonly KeyToPath[] | undefined,
): ReadonlyMap<string, Buffer> {
  if (items === undefined) return values
  return new Map(
    items.map(({ key, path }) => {
      const value = values.get(key)
      if (value === undefined) throw new Error(`references non-existent key: ${key}`)
      return [path, value]
    }),
  )
}

function entries(object: KubeObject, field: string, encoding: BufferEncoding): [string, Buffer][] {
  return Object.entries((object[field] ?? {}) as Data).map(([key, value]) => [
    key,
    Buffer.from(value, encoding),
  ])
}

function absent(kind: string, name: string, optional: boolean): ReadonlyMap<string, Buffer> {
  if (optional) return new Map()
  throw new Error(`${kind} "${name}" not found`)
}
