import { setTimeout as delay } from 'node:timers/promises'
import { ApiError, type Api } from './api.ts'
import { Backoff } from './backoff.ts'

/** Where the objects of one resource go. Keys are `namespace/name`, or `name`. */
export interface Sink {
  /** Known objects, also those loaded from disk. */
  count(): number
  /** The complete set. */
  replace(objects: readonly unknown[]): void
  put(object: unknown): void
  remove(key: string): void
}

export interface ReflectorInit {
  readonly api: Api
  /** `/api/v1/services` */
  readonly path: string
  readonly fieldSelector?: string
  readonly sink: Sink
  readonly timing: ReflectorTiming
  /** Called after each success: a list, an event, a bookmark. */
  readonly onContact: () => void
  readonly onSynced: () => void
  readonly onTrouble: (error: unknown) => void
}

export interface ReflectorTiming {
  /** How long one watch lasts; the server sends a bookmark just before it ends. */
  readonly watchMs: number
  /** An empty list in place of a filled one is believed when a second one, this much later, is empty as well. */
  readonly emptyListConfirmMs: number
  readonly firstRetryMs: number
  readonly largestRetryMs: number
}

export const defaultTiming: ReflectorTiming = {
  watchMs: 22_000,
  emptyListConfirmMs: 60_000,
  firstRetryMs: 200,
  largestRetryMs: 10_000,
}

/** Silence beyond the end of a watch that the server should have closed. */
const graceMs = 4000

const pageSize = 500

const gone = 410

/** A watch that ends earlier without an event counts as a failure. */
const shortWatchMs = 1000

/** Keeps a sink equal to a resource of the API: list, then watch, list again only when the server forgot (410). */
export async function reflect(init: ReflectorInit, signal: AbortSignal): Promise<void> {
  const { timing, onTrouble } = init
  const backoff = new Backoff(timing.firstRetryMs, timing.largestRetryMs)
  /** Empty: a list is needed first. */
  let version = ''
  while (!signal.aborted) {
    try {
      if (version === '') version = await list(init, signal)
      const startedAt = performance.now()
      const lastedMs = (): number => performance.now() - startedAt
      try {
        for await (const at of watch(init, version, signal)) {
          version = at
          backoff.reset()
        }
      } finally {
        if (lastedMs() > shortWatchMs) backoff.reset()
      }
      // why: a server that ends each watch at once must not be asked in a tight loop
      if (lastedMs() < shortWatchMs) await delay(backoff.next(), undefined, { signal })
    } catch (error) {
      if (signal.aborted) return
      onTrouble(error)
      if (error instanceof ApiError && error.status === gone) version = ''
      await delay(backoff.next(), undefined, { signal }).catch(() => undefined)
    }
  }
}

/** @returns the resource version to watch from */
async function list(init: ReflectorInit, signal: AbortSignal): Promise<string> {
  const { sink, timing, onContact, onSynced, onTrouble } = init
  let found = await listOnce(init, signal)
  if (found.items.length === 0 && sink.count() > 0) {
    onTrouble(
      new ApiError(
        0,
        `${init.path}: an empty list in place of ${sink.count()} objects; asked again in ${timing.emptyListConfirmMs} ms`,
      ),
    )
    await delay(timing.emptyListConfirmMs, undefined, { signal })
    found = await listOnce(init, signal)
  }
  sink.replace(found.items)
  onContact()
  onSynced()
  return found.version
}

interface Listed {
  readonly items: readonly unknown[]
  readonly version: string
}

async function listOnce(init: ReflectorInit, signal: AbortSignal): Promise<Listed> {
  const items: unknown[] = []
  let next = ''
  for (;;) {
    const query = queryOf(init, { limit: String(pageSize), ...(next !== '' && { continue: next }) })
    const page = pageOf(await init.api.get(`${init.path}?${query}`, { signal }), init.path)
    items.push(...page.items)
    next = page.next
    if (next === '') return { items, version: page.version }
  }
}

interface Page extends Listed {
  readonly next: string
}

/** @throws ApiError when the answer is not a list */
function pageOf(value: unknown, path: string): Page {
  const { kind, items, metadata } = value as {
    kind?: unknown
    items?: unknown
    metadata?: { resourceVersion?: unknown; continue?: unknown } | null
  }
  const version = metadata?.resourceVersion
  const isList = typeof kind === 'string' && kind.endsWith('List')
  if (!isList || typeof version !== 'string' || version === '')
    throw new ApiError(0, `${path}: the answer is not a list`)
  if (items !== null && items !== undefined && !Array.isArray(items))
    throw new ApiError(0, `${path}: the items of the list are not a list`)
  const next = metadata?.continue
  return { items: items ?? [], version, next: typeof next === 'string' ? next : '' }
}

/** Gives the resource version after each event. */
async function* watch(
  init: ReflectorInit,
  from: string,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const { api, path, sink, timing, onContact } = init
  // why: spread, or all watches of all nodes that started together end together
  const watchMs = timing.watchMs * (0.85 + Math.random() * 0.15)
  const query = queryOf(init, {
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion: from,
    timeoutSeconds: String(Math.max(1, Math.round(watchMs / 1000))),
  })
  const options = { signal, idleMs: watchMs + graceMs }
  for await (const { type, object } of api.watch(`${path}?${query}`, options)) {
    const key = keyOfObject(object)
    if (type === 'ADDED' || type === 'MODIFIED') sink.put(object)
    else if (type === 'DELETED' && key !== undefined) sink.remove(key)
    onContact()
    const version = versionOf(object)
    if (version !== undefined) yield version
  }
  onContact()
}

function queryOf({ fieldSelector }: ReflectorInit, query: Record<string, string>): string {
  return new URLSearchParams({
    ...query,
    ...(fieldSelector !== undefined && { fieldSelector }),
  }).toString()
}

interface Meta {
  readonly metadata?: { name?: unknown; namespace?: unknown; resourceVersion?: unknown } | null
}

/** `namespace/name`, or `name`; undefined when there is none. */
export function keyOfObject(object: unknown): string | undefined {
  const { name, namespace } = (object as Meta | null)?.metadata ?? {}
  if (typeof name !== 'string') return undefined
  return typeof namespace === 'string' && namespace !== '' ? `${namespace}/${name}` : name
}

function versionOf(object: unknown): string | undefined {
  const version = (object as Meta | null)?.metadata?.resourceVersion
  return typeof version === 'string' && version !== '' ? version : undefined
}
