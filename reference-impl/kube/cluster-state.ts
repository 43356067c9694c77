import type { NamespaceRecord, NodeRecord, ServiceRecord, SliceRecord } from './records.ts'
import { RecordStore } from './record-store.ts'
import { serviceView } from './service-view.ts'
import { SharedMap } from './shared-map.ts'
import type { DestinationRuleView, NodeView, ServiceView, Snapshot } from './snapshot.ts'

/** Everything known of the cluster, by kind; also the form it is saved in. */
export interface ClusterRecords {
  readonly services: readonly ServiceRecord[]
  readonly slices: readonly SliceRecord[]
  readonly namespaces: readonly NamespaceRecord[]
  readonly nodes: readonly NodeRecord[]
  /** Absent in what an agent saved that did not know of them. */
  readonly destinationRules?: readonly DestinationRuleView[]
}

/** What every cluster has; custom resources may be missing. */
export type Kind = 'services' | 'slices' | 'namespaces' | 'nodes'

/** Collects changes and makes snapshots; Services that did not change keep their view from one to the next. */
export class ClusterState {
  readonly services: RecordStore<ServiceRecord>
  readonly slices: RecordStore<SliceRecord>
  readonly namespaces: RecordStore<NamespaceRecord>
  readonly nodes: RecordStore<NodeRecord>
  readonly destinationRules: RecordStore<DestinationRuleView>
  readonly #nodeName: string
  /** By Service: the slices that belong to it. */
  readonly #slicesOf = new Map<string, Map<string, SliceRecord>>()
  readonly #changed = new Set<string>()
  #views = SharedMap.empty<ServiceView>()
  /** How many Services each namespace has. */
  readonly #populated = new Map<string, number>()
  #namespaces: ReadonlySet<string> | undefined
  #version = 0

  /**
   * @param nodeName - the node that this agent serves
   * @param onChange - told of each difference that can show in a snapshot
   */
  constructor(nodeName: string, onChange: () => void = () => undefined) {
    this.#nodeName = nodeName
    this.services = new RecordStore((before, after) => {
      for (const one of [before, after]) if (one !== undefined) this.#changed.add(keyOf(one))
      onChange()
    })
    this.slices = new RecordStore((before, after) => {
      this.#moveSlice(before, after)
      onChange()
    })
    this.namespaces = new RecordStore(() => {
      this.#namespaces = undefined
      onChange()
    })
    this.nodes = new RecordStore(onChange)
    this.destinationRules = new RecordStore(onChange)
  }

  load(records: ClusterRecords): void {
    for (const one of records.services) this.services.put(keyOf(one), one)
    for (const one of records.slices) this.slices.put(keyOf(one), one)
    for (const one of records.namespaces) this.namespaces.put(one.name, one)
    for (const one of records.nodes) this.nodes.put(one.name, one)
    for (const one of records.destinationRules ?? []) this.destinationRules.put(keyOf(one), one)
  }

  records(): ClusterRecords {
    return {
      services: [...this.services.values()],
      slices: [...this.slices.values()],
      namespaces: [...this.namespaces.values()],
      nodes: [...this.nodes.values()],
      destinationRules: [...this.destinationRules.values()],
    }
  }

  snapshot(): Snapshot {
    if (this.#changed.size > 0) this.#views = this.#updatedViews()
    this.#changed.clear()
    this.#version += 1
    // why: a Service may be heard of before its namespace
    this.#namespaces ??= new Set([...this.namespaces.keys(), ...this.#populated.keys()])
    return {
      version: this.#version,
      services: this.#views,
      namespaces: this.#namespaces,
      node: this.#node(),
      destinationRules: [...this.destinationRules.values()],
    }
  }

  #updatedViews(): SharedMap<ServiceView> {
    const views = new Map<string, ServiceView | undefined>()
    for (const key of this.#changed) {
      const service = this.services.get(key)
      if (service === undefined) views.set(key, undefined)
      else views.set(key, serviceView(service, [...(this.#slicesOf.get(key)?.values() ?? [])]))
      this.#count(this.#views.get(key)?.namespace, -1)
      this.#count(service?.namespace, 1)
    }
    return this.#views.with(views)
  }

  #count(namespace: string | undefined, more: number): void {
    if (namespace === undefined) return
    const before = this.#populated.get(namespace) ?? 0
    if (before + more > 0) this.#populated.set(namespace, before + more)
    else this.#populated.delete(namespace)
    // why: a Service that changed is taken off and put back
    if (before === 0 || before + more === 0) this.#namespaces = undefined
  }

  /** The label that names the Service may change with a slice. */
  #moveSlice(before: SliceRecord | undefined, after: SliceRecord | undefined): void {
    if (before !== undefined) {
      const owner = ownerOf(before)
      const slices = this.#slicesOf.get(owner)
      slices?.delete(before.name)
      if (slices?.size === 0) this.#slicesOf.delete(owner)
      this.#changed.add(owner)
    }
    if (after !== undefined) {
      const owner = ownerOf(after)
      const slices = this.#slicesOf.get(owner) ?? new Map<string, SliceRecord>()
      this.#slicesOf.set(owner, slices.set(after.name, after))
      this.#changed.add(owner)
    }
  }

  #node(): NodeView {
    return this.nodes.get(this.#nodeName) ?? { name: this.#nodeName, addresses: [], podCidrs: [] }
  }
}

function keyOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`
}

function ownerOf({ namespace, service }: SliceRecord): string {
  return `${namespace}/${service}`
}
