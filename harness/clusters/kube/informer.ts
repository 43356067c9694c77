import { setTimeout as delay } from 'node:timers/promises'
import { KubeError } from '../../model/errors.ts'
import type { KubeClient, KubeObject, ResourceType } from '../../model/kubernetes.ts'

export interface InformerInit {
  readonly client: KubeClient
  readonly type: ResourceType
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  readonly signal: AbortSignal
  /** Told about trouble that the informer gets over by itself. */
  readonly log?: (line: string) => void
}

export type Change<T> =
  | { readonly kind: 'added' | 'updated'; readonly object: T; readonly old?: T }
  | { readonly kind: 'deleted'; readonly object: T }

/** A local copy of one collection, kept up to date by list and watch. */
export interface Informer<T extends KubeObject> {
  get(key: { readonly namespace?: string; readonly name: string }): T | undefined
  list(): readonly T[]
  /** Calls `handler` for every object there is and for every change to come. Returns how to stop. */
  onChange(handler: (change: Change<T>) => void): () => void
  /** Resolves when the first list is in. */
  readonly synced: Promise<void>
  hasSynced(): boolean
}

/** Waits between tries after trouble: doubled each time, with jitter. */
const firstBackOffMs = 50
const longestBackOffMs = 5_000

/** A watch that lived longer than this was a good one, even if nothing happened. */
const goodWatchMs = 1_000

/** How long one watch may last before it is opened again: a connection that died silently is noticed by then. */
const watchSeconds = 290

/** Starts an informer. It works until its signal is aborted and never throws. */
export function informer<T extends KubeObject>(init: InformerInit): Informer<T> {
  const store = new Map<string, T>()
  const handlers = new Set<(change: Change<T>) => void>()
  let settle: () => void = () => undefined
  let isSynced = false
  const synced = new Promise<void>((resolve) => {
    settle = resolve
  })
  const emit = (change: Change<T>): void => {
    for (const handler of handlers) {
      try {
        handler(change)
      } catch (error) {
        init.log?.(`a handler of ${init.type.plural} failed: ${String(error)}`)
      }
    }
  }
  const put = (object: T): void => {
    const key = keyOf(object.metadata)
    const old = store.get(key)
    if (old?.metadata.resourceVersion === object.metadata.resourceVersion && old !== undefined)
      return
    store.set(key, object)
    emit(old === undefined ? { kind: 'added', object } : { kind: 'updated', object, old })
  }
  const remove = (object: T): void => {
    const key = keyOf(object.metadata)
    if (store.delete(key)) emit({ kind: 'deleted', object })
  }
  const replace = (items: readonly T[]): void => {
    const present = new Set(items.map((item) => keyOf(item.metadata)))
    for (const [key, old] of store) if (!present.has(key)) remove(old)
    for (const item of items) put(item)
    isSynced = true
    settle()
  }
  void follow(init, { put, remove, replace })
  return {
    get: (key) => store.get(keyOf(key)),
    list: () => [...store.values()],
    onChange: (handler) => {
      handlers.add(handler)
      for (const object of store.values()) handler({ kind: 'added', object })
      return () => handlers.delete(handler)
    },
    synced,
    hasSynced: () => isSynced,
  }
}

interface Sink<T> {
  readonly put: (object: T) => void
  readonly remove: (object: T) => void
  readonly replace: (items: readonly T[]) => void
}

/** List, then watch from there; a cut watch goes on where it stopped, 410 Gone lists again. */
async function follow<T extends KubeObject>(init: InformerInit, sink: Sink<T>): Promise<void> {
  const { signal } = init
  let version: string | undefined
  let backOffMs = firstBackOffMs
  while (!signal.aborted) {
    let trouble: string | undefined
    let isGood = false
    try {
      if (version === undefined) {
        const list = await init.client.list<T>(init.type, selection(init))
        sink.replace(list.items)
        version = list.resourceVersion
      }
      const startedAt = performance.now()
      const from = version
      try {
        await watchFrom(init, sink, from, (next) => (version = next))
      } finally {
        isGood = version !== from || performance.now() - startedAt > goodWatchMs
      }
    } catch (error) {
      if (signal.aborted) return
      trouble = String(error)
      if (error instanceof KubeError && (error.status === 410 || error.reason === 'Expired'))
        version = undefined
    }
    if (isGood) backOffMs = firstBackOffMs
    if (isGood && trouble === undefined) continue
    // why: a server that fails, or ends every watch at once, must not be asked without a pause
    const what = trouble ?? 'the watch ended at once'
    init.log?.(`${init.type.plural}: ${what}; trying again in about ${backOffMs} ms`)
    await delay(backOffMs * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined)
    backOffMs = Math.min(backOffMs * 2, longestBackOffMs)
  }
}

/** Follows a watch to its end; `reached` is told each version from which another one may go on. */
async function watchFrom<T extends KubeObject>(
  init: InformerInit,
  sink: Sink<T>,
  from: string,
  reached: (version: string) => void,
): Promise<void> {
  const events = init.client.watch<T>(init.type, {
    ...selection(init),
    resourceVersion: from,
    allowBookmarks: true,
    timeoutSeconds: watchSeconds,
  })
  for await (const event of events) {
    if (event.type === 'DELETED') sink.remove(event.object)
    else if (event.type !== 'BOOKMARK') sink.put(event.object)
    const { resourceVersion } = event.object.metadata
    if (resourceVersion !== undefined) reached(resourceVersion)
  }
}

function selection({ namespace, labelSelector, fieldSelector, signal }: InformerInit): {
  readonly signal: AbortSignal
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
} {
  return {
    signal,
    ...(namespace !== undefined && { namespace }),
    ...(labelSelector !== undefined && { labelSelector }),
    ...(fieldSelector !== undefined && { fieldSelector }),
  }
}

function keyOf({
  namespace,
  name,
}: {
  readonly namespace?: string
  readonly name: string
}): string {
  return namespace === undefined ? name : `${namespace}/${name}`
}
