import type { KubeObject } from '../../../../model/kubernetes.ts'

/** One change of one object. */
export interface StorageEvent {
  readonly version: number
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  /** As it is after the change; of a deletion: as it was, with the version of the deletion. */
  readonly object: KubeObject
  readonly previous: KubeObject | undefined
  /** `namespace/name`, or the name of a cluster-scoped object. */
  readonly key: string
}

/** The last events of one collection, oldest first. Everything after `oldestVersion` is known. */
export class EventLog {
  readonly #capacity: number
  #events: StorageEvent[] = []
  #forgottenUpTo: number

  /** @param createdAt - the version at which the collection was empty */
  constructor(capacity: number, createdAt: number) {
    this.#capacity = capacity
    this.#forgottenUpTo = createdAt
  }

  /** A watch can start after this version or any later one. */
  get oldestVersion(): number {
    return this.#forgottenUpTo
  }

  append(event: StorageEvent): void {
    this.#events.push(event)
    // why: dropping a quarter at a time keeps append cheap
    if (this.#events.length > this.#capacity) this.#drop(Math.ceil(this.#capacity / 4))
  }

  /** Forgets everything up to a version, as compaction does. */
  compact(version: number): void {
    const kept = this.#events.findIndex((event) => event.version > version)
    this.#drop(kept === -1 ? this.#events.length : kept)
    this.#forgottenUpTo = Math.max(this.#forgottenUpTo, version)
  }

  /** Events after a version, oldest first; undefined when that version is forgotten. */
  after(version: number): readonly StorageEvent[] | undefined {
    if (version < this.#forgottenUpTo) return undefined
    let low = 0
    let high = this.#events.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const event = this.#events[middle]
      if (event !== undefined && event.version <= version) low = middle + 1
      else high = middle
    }
    return this.#events.slice(low)
  }

  #drop(count: number): void {
    const dropped = this.#events.splice(0, count)
    this.#forgottenUpTo = dropped.at(-1)?.version ?? this.#forgottenUpTo
  }
}
