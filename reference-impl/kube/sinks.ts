import { keyOfObject, type Sink } from './reflector.ts'
import { destinationRule } from './destination-rule.ts'
import type { ClusterState, Kind } from './cluster-state.ts'
import type { RecordStore } from './record-store.ts'
import { namespaceRecord, nodeRecord, serviceRecord, sliceRecord } from './records.ts'

/** Where DestinationRules go. */
export function ruleSink(state: ClusterState): Sink {
  return sinkOf(state.destinationRules, destinationRule)
}

/** Where the API's objects of each kind go. */
export function sinksOf(state: ClusterState): Readonly<Record<Kind, Sink>> {
  const nodes = sinkOf(state.nodes, nodeRecord)
  return {
    services: sinkOf(state.services, serviceRecord),
    slices: sinkOf(state.slices, sliceRecord),
    namespaces: sinkOf(state.namespaces, namespaceRecord),
    // why: a Node that is deleted while this agent runs on it stays as it was
    nodes: {
      ...nodes,
      replace: (objects) => {
        for (const object of objects) nodes.put(object)
      },
      remove: () => undefined,
    },
  }
}

function sinkOf<T>(store: RecordStore<T>, read: (object: unknown) => T | undefined): Sink {
  return {
    count: () => store.size,
    replace: (objects) => {
      const records = new Map<string, T>()
      for (const object of objects) {
        const key = keyOfObject(object)
        const record = read(object)
        if (key !== undefined && record !== undefined) records.set(key, record)
      }
      store.replace(records)
    },
    put: (object) => {
      const key = keyOfObject(object)
      const record = read(object)
      if (key === undefined) return
      if (record === undefined) store.delete(key)
      else store.put(key, record)
    },
    remove: (key) => store.delete(key),
  }
}
