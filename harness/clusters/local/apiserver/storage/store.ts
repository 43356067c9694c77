import type { KubeObject } from '../../../../model/kubernetes.ts'
import { EventLog } from './event-log.ts'
import type { StorageEvent } from './event-log.ts'

/** Told of each change right after it happened, in order. Must not throw. */
export type StorageListener = (event: StorageEvent) => void

/**
 * Objects of one resource in memory. Objects are never changed in place once stored. Versions are the store's, shared
 * by all collections.
 */
export class Collection {
  readonly #store: Store
  readonly #objects = new Map<string, KubeObject>()
  readonly #listeners = new Set<StorageListener>()
  readonly #log: EventLog
  #sortedKeys: readonly string[] | undefined

  constructor(store: Store, eventWindow: number) {
    this.#store = store
    this.#log = new EventLog(eventWindow, store.version)
  }

  get size(): number {
    return this.#objects.size
  }

  get log(): EventLog {
    return this.#log
  }

  get(key: string): KubeObject | undefined {
    return this.#objects.get(key)
  }

  /** In the order of their keys, as etcd lists them. */
  keys(): readonly string[] {
    this.#sortedKeys ??= [...this.#objects.keys()].sort(byCodeUnits)
    return this.#sortedKeys
  }

  values(): readonly KubeObject[] {
    return this.keys().flatMap((key) => this.#objects.get(key) ?? [])
  }

  /** Stores the object with the next resourceVersion and returns what is stored. */
  put(key: string, object: KubeObject): KubeObject {
    const previous = this.#objects.get(key)
    const version = this.#store.nextVersion()
    const stored = withVersion(object, version)
    this.#objects.set(key, stored)
    if (previous === undefined) this.#sortedKeys = undefined
    const type = previous === undefined ? 'ADDED' : 'MODIFIED'
    this.#publish({ version, type, object: stored, previous, key })
    return stored
  }

  /** @param last - the object as it is told to watchers, when it differs from what is stored */
  remove(key: string, last?: KubeObject): KubeObject | undefined {
    const previous = this.#objects.get(key)
    if (previous === undefined) return undefined
    const version = this.#store.nextVersion()
    const object = withVersion(last ?? previous, version)
    this.#objects.delete(key)
    this.#sortedKeys = undefined
    this.#publish({ version, type: 'DELETED', object, previous, key })
    return object
  }

  /** The objects as they were at a version, by key; undefined when that is forgotten. */
  at(version: number): ReadonlyMap<string, KubeObject> | undefined {
    const later = this.#log.after(version)
    if (later === undefined) return undefined
    const past = new Map(this.#objects)
    for (const event of later.toReversed()) {
      if (event.previous === undefined) past.delete(event.key)
      else past.set(event.key, event.previous)
    }
    return new Map([...past].sort(([a], [b]) => byCodeUnits(a, b)))
  }

  listen(listener: StorageListener): Disposable {
    this.#listeners.add(listener)
    return {
      [Symbol.dispose]: () => {
        this.#listeners.delete(listener)
      },
    }
  }

  #publish(event: StorageEvent): void {
    this.#log.append(event)
    for (const listener of this.#listeners) listener(event)
  }
}

/** All collections and the one counter of versions. */
export class Store {
  readonly #eventWindow: number
  readonly #collections = new Map<string, Collection>()
  #version = 1

  /** @param eventWindow - how many events per collection a watch can go back */
  constructor(eventWindow: number) {
    this.#eventWindow = eventWindow
  }

  get version(): number {
    return this.#version
  }

  nextVersion(): number {
    this.#version += 1
    return this.#version
  }

  /** @param resource - `plural.group`, e.g. `deployments.apps`; the core group gives `pods` */
  collection(resource: string): Collection {
    let collection = this.#collections.get(resource)
    if (collection === undefined) {
      collection = new Collection(this, this.#eventWindow)
      this.#collections.set(resource, collection)
    }
    return collection
  }

  /** Forgets all history: watches and lists that want a version of the past get 410. */
  compact(): void {
    for (const collection of this.#collections.values()) collection.log.compact(this.#version)
  }
}

/** The key of an object in its collection. */
export function storageKey(namespace: string | undefined, name: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`
}

function withVersion(object: KubeObject, version: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } }
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
