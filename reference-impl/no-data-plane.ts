import type { DataPlane } from './data-plane.ts'

/** For nodes where somebody else (kube-proxy) forwards Service traffic: names only. */
export const noDataPlane: DataPlane = {
  apply: () => Promise.resolve(),
  counters: () => Promise.resolve({ l4Connections: 0, l7Requests: 0, l7Responses: {} }),
  drain: () => Promise.resolve(),
  close: () => Promise.resolve(),
}
