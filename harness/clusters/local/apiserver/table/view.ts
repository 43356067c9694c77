import type { KubeObject } from '../../../../model/kubernetes.ts'
import { badRequest } from '../api-errors.ts'
import type { OutputFormat } from '../http/media-type.ts'
import type { ServedResource } from '../registry.ts'
import { apiVersionOf } from '../registry.ts'
import type { ListResult } from '../verbs/list.ts'
import type { ShowObject } from '../verbs/watch.ts'
import { partialObject, table } from './table.ts'
import type { IncludeObject } from './table.ts'

/** Shows objects and lists the way one request wants them. */
export interface View {
  object(object: KubeObject): unknown
  list(result: ListResult): unknown
  /** JSON text of a list, where it can be put together from texts that exist already. */
  readonly listText?: (result: ListResult) => string
  /** JSON text of an object within a watch event. */
  readonly event: ShowObject
  readonly contentType: string
}

const texts = new WeakMap<KubeObject, string>()

/** JSON of a stored object, made once however many watchers want it: stored objects never change. */
function textOf(object: KubeObject): string {
  let text = texts.get(object)
  if (text === undefined) {
    text = JSON.stringify(object)
    texts.set(object, text)
  }
  return text
}

/** @throws ApiError 400 when includeObject is no known word */
export function viewOf(
  resource: ServedResource,
  format: OutputFormat,
  query: URLSearchParams,
  now: () => Date,
): View {
  const { definition } = resource
  const { metaVersion } = format
  if (format.view === 'table') {
    const include = parseInclude(query)
    const rows = (objects: readonly KubeObject[], metadata: Record<string, unknown>) =>
      table(definition, objects, metadata, { metaVersion, include, now: now() })
    return {
      object: (object) => rows([object], versionOnly(object)),
      list: (result) => rows(result.items, listMeta(result)),
      event: (object) => JSON.stringify(rows([object], versionOnly(object))),
      contentType: 'application/json',
    }
  }
  if (format.view === 'partial-object' || format.view === 'partial-list') {
    return {
      object: (object) => partialObject(object, metaVersion),
      list: (result) => ({
        kind: 'PartialObjectMetadataList',
        apiVersion: `meta.k8s.io/${metaVersion}`,
        metadata: listMeta(result),
        items: result.items.map((object) => partialObject(object, metaVersion)),
      }),
      event: (object) => JSON.stringify(partialObject(object, metaVersion)),
      contentType: 'application/json',
    }
  }
  return {
    object: (object) => object,
    list: (result) => ({
      kind: `${definition.kind}List`,
      apiVersion: apiVersionOf(definition),
      metadata: listMeta(result),
      items: result.items,
    }),
    listText: (result) => {
      const head = JSON.stringify({
        kind: `${definition.kind}List`,
        apiVersion: apiVersionOf(definition),
        metadata: listMeta(result),
      })
      return `${head.slice(0, -1)},"items":[${result.items.map(textOf).join(',')}]}\n`
    },
    event: textOf,
    contentType: 'application/json',
  }
}

function listMeta(result: ListResult): Record<string, unknown> {
  return {
    resourceVersion: String(result.version),
    ...(result.continueToken !== undefined && { continue: result.continueToken }),
    ...(result.remainingItemCount !== undefined && {
      remainingItemCount: result.remainingItemCount,
    }),
  }
}

function versionOnly(object: KubeObject): Record<string, unknown> {
  return { resourceVersion: object.metadata.resourceVersion }
}

function parseInclude(query: URLSearchParams): IncludeObject {
  const include = query.get('includeObject') ?? ''
  if (include === '') return 'Metadata'
  if (include === 'None' || include === 'Metadata' || include === 'Object') return include
  throw badRequest(`unrecognized includeObject value: "${include}"`)
}
