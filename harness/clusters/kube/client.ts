import type { IncomingMessage } from 'node:http'
import { StringDecoder } from 'node:string_decoder'
import { KubeError } from '../../model/errors.ts'
import type {
  KubeClient,
  KubeList,
  KubeObject,
  KubeTable,
  ListOptions,
  PatchType,
  ResourceType,
  WatchEvent,
  WatchOptions,
} from '../../model/kubernetes.ts'
import { textOf, transport, type Transport, type TransportInit } from './transport.ts'
import { builtInTypes, groupVersion, pathOf } from './types.ts'

const patchContentTypes: Readonly<Record<PatchType, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
}

const tableAccept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'

/** Objects per page of a list. */
const pageSize = 500

/** A client of one Kubernetes API, light enough for every process of provider local. */
export function kubeClient(init: TransportInit): KubeClient & AsyncDisposable {
  const wire = transport(init)
  const known = new Map(builtInTypes.map((type) => [typeKey(type), type]))
  const client: KubeClient = {
    get: async <T extends KubeObject>(
      ...[type, key, { signal }]: Parameters<KubeClient['get']>
    ): Promise<T | undefined> => {
      try {
        return await json<T>(wire, { method: 'GET', path: pathOf(type, key), signal })
      } catch (error) {
        if (error instanceof KubeError && error.status === 404) return undefined
        throw error
      }
    },
    list: (type, options) => listAll(wire, type, options),
    watch: (type, options) => watch(wire, type, options),
    create: (type, object, { signal }) => {
      const { namespace } = object.metadata
      const path = pathOf(type, namespace === undefined ? {} : { namespace })
      return json(wire, { method: 'POST', path, body: JSON.stringify(object), signal })
    },
    replace: (type, object, { signal, subresource }) =>
      json(wire, {
        method: 'PUT',
        path: pathOf(type, object.metadata, subresource),
        body: JSON.stringify(object),
        signal,
      }),
    patch: (type, key, patch, options) => {
      const query = new URLSearchParams()
      if (options.fieldManager !== undefined) query.set('fieldManager', options.fieldManager)
      else if (options.type === 'apply') query.set('fieldManager', 'meshmark')
      if (options.force === true) query.set('force', 'true')
      return json(wire, {
        method: 'PATCH',
        path: withQuery(pathOf(type, key, options.subresource), query),
        body: JSON.stringify(patch),
        contentType: patchContentTypes[options.type],
        signal: options.signal,
      })
    },
    delete: async (type, key, { signal, ...options }) => {
      try {
        const body = JSON.stringify({ apiVersion: 'v1', kind: 'DeleteOptions', ...options })
        await json(wire, { method: 'DELETE', path: pathOf(type, key), body, signal })
        return true
      } catch (error) {
        if (error instanceof KubeError && error.status === 404) return false
        throw error
      }
    },
    table: async (type, options) => {
      const path = withQuery(pathOf(type, scopeOf(options)), selectors(options))
      const { signal } = options
      return tableOf(
        await json<RawTable>(wire, { method: 'GET', path, accept: tableAccept, signal }),
      )
    },
    typeOf: async (object, { signal }) => {
      const { group, version } = groupVersion(object.apiVersion)
      const key = typeKey({ group, version, kind: object.kind })
      const found =
        known.get(key) ?? (await discover(wire, { group, version, kind: object.kind }, signal))
      known.set(key, found)
      return found
    },
    request: async (method, path, { body, contentType, accept, signal }) => {
      const answer = await wire.open({
        method,
        path,
        signal,
        ...(body !== undefined && { body: JSON.stringify(body) }),
        ...(contentType !== undefined && { contentType }),
        ...(accept !== undefined && { accept }),
      })
      return { status: answer.statusCode ?? 0, body: await textOf(answer) }
    },
  }
  return {
    ...client,
    [Symbol.asyncDispose]: () => {
      wire.close()
      return Promise.resolve()
    },
  }
}

async function json<T>(wire: Transport, call: Parameters<Transport['open']>[0]): Promise<T> {
  const answer = await wire.open(call)
  const text = await textOf(answer)
  const { statusCode = 0 } = answer
  if (statusCode >= 400) throw kubeError(statusCode, text, `${call.method} ${call.path}`)
  try {
    return JSON.parse(text) as T
  } catch (cause) {
    throw new KubeError(
      statusCode,
      'Garbage',
      `${call.method} ${call.path}: the answer is not JSON`,
      {
        cause,
      },
    )
  }
}

/** The error that a Status body, or any other body of a failed request, describes. */
function kubeError(code: number, text: string, what: string): KubeError {
  try {
    const { reason, message } = JSON.parse(text) as { reason?: string; message?: string }
    return new KubeError(code, reason ?? String(code), message ?? `${what}: HTTP ${code}`)
  } catch {
    return new KubeError(code, String(code), `${what}: HTTP ${code}: ${text.slice(0, 200).trim()}`)
  }
}

interface RawList<T> {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string }
  readonly items?: readonly T[] | null
  readonly apiVersion?: string
  readonly kind?: string
}

async function listAll<T extends KubeObject>(
  wire: Transport,
  type: ResourceType,
  options: ListOptions,
): Promise<KubeList<T>> {
  const items: T[] = []
  let next: string | undefined
  for (;;) {
    const query = selectors(options)
    query.set('limit', String(pageSize))
    if (next !== undefined) query.set('continue', next)
    const path = withQuery(pathOf(type, scopeOf(options)), query)
    const page = await json<RawList<T>>(wire, { method: 'GET', path, signal: options.signal })
    const apiVersion = type.group === '' ? type.version : `${type.group}/${type.version}`
    // why: items of a typed list carry neither apiVersion nor kind, but callers pass them on as objects
    for (const item of page.items ?? []) items.push({ ...item, apiVersion, kind: type.kind })
    next = page.metadata?.continue
    if (next === undefined || next === '')
      return { resourceVersion: page.metadata?.resourceVersion ?? '', items }
  }
}

async function* watch<T extends KubeObject>(
  wire: Transport,
  type: ResourceType,
  options: WatchOptions,
): AsyncGenerator<WatchEvent<T>> {
  const query = selectors(options)
  query.set('watch', 'true')
  if (options.allowBookmarks === true) query.set('allowWatchBookmarks', 'true')
  if (options.resourceVersion !== undefined) query.set('resourceVersion', options.resourceVersion)
  if (options.timeoutSeconds !== undefined)
    query.set('timeoutSeconds', String(options.timeoutSeconds))
  const path = withQuery(pathOf(type, scopeOf(options)), query)
  const answer = await wire.open({ method: 'GET', path, signal: options.signal })
  const { statusCode = 0 } = answer
  if (statusCode >= 400) throw kubeError(statusCode, await textOf(answer), `watch ${path}`)
  try {
    for await (const line of lines(answer)) yield eventOf<T>(line, path)
  } finally {
    answer.destroy()
  }
}

interface RawStatus {
  readonly code?: number
  readonly reason?: string
  readonly message?: string
}

function eventOf<T>(line: string, path: string): WatchEvent<T> {
  let event: { readonly type?: string; readonly object?: unknown }
  try {
    event = JSON.parse(line) as typeof event
  } catch (cause) {
    throw new KubeError(0, 'Garbage', `watch ${path}: an event is not JSON`, { cause })
  }
  if (event.type === 'ERROR') {
    const {
      code = 500,
      reason = 'InternalError',
      message = line,
    } = (event.object ?? {}) as RawStatus
    throw new KubeError(code, reason, message)
  }
  return event as WatchEvent<T>
}

async function* lines(answer: IncomingMessage): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  for await (const chunk of answer) {
    const parts = (rest + decoder.write(chunk as Buffer)).split('\n')
    rest = parts.pop() ?? ''
    for (const part of parts) if (part !== '') yield part
  }
}

interface RawTable {
  readonly kind?: string
  readonly columnDefinitions?: readonly { readonly name: string; readonly priority?: number }[]
  readonly rows?: readonly { readonly cells: readonly unknown[] }[] | null
}

function tableOf(raw: RawTable): KubeTable {
  if (raw.kind !== 'Table')
    throw new KubeError(0, 'Garbage', `asked for a Table, got ${raw.kind ?? 'something else'}`)
  return {
    columns: (raw.columnDefinitions ?? []).map(({ name, priority = 0 }) => ({ name, priority })),
    rows: (raw.rows ?? []).map(({ cells }) => cells),
  }
}

interface RawResources {
  readonly resources?: readonly {
    readonly name: string
    readonly kind: string
    readonly namespaced: boolean
  }[]
}

async function discover(
  wire: Transport,
  wanted: { readonly group: string; readonly version: string; readonly kind: string },
  signal: AbortSignal,
): Promise<ResourceType> {
  const { group, version, kind } = wanted
  const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
  const apiVersion = group === '' ? version : `${group}/${version}`
  const unknown = new KubeError(
    404,
    'NotFound',
    `no matches for kind "${kind}" in version "${apiVersion}"`,
  )
  const found = await json<RawResources>(wire, { method: 'GET', path, signal }).catch(
    (error: unknown) => {
      throw error instanceof KubeError && error.status === 404 ? unknown : error
    },
  )
  const resource = found.resources?.find((one) => one.kind === kind && !one.name.includes('/'))
  if (resource === undefined) throw unknown
  return { group, version, kind, plural: resource.name, namespaced: resource.namespaced }
}

function scopeOf({ namespace }: ListOptions): { readonly namespace?: string } {
  return namespace === undefined ? {} : { namespace }
}

function selectors({ labelSelector, fieldSelector }: ListOptions): URLSearchParams {
  const query = new URLSearchParams()
  if (labelSelector !== undefined) query.set('labelSelector', labelSelector)
  if (fieldSelector !== undefined) query.set('fieldSelector', fieldSelector)
  return query
}

function withQuery(path: string, query: URLSearchParams): string {
  const text = query.toString()
  return text === '' ? path : `${path}?${text}`
}

function typeKey({
  group,
  version,
  kind,
}: {
  group: string
  version: string
  kind: string
}): string {
  return `${group}/${version}/${kind}`
}
