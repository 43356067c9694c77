import type { Snapshot } from './kube/snapshot.ts'

/** The traffic path as the rest of the agent sees it. */
export interface DataPlane {
  /**
   * Makes the kernel's rules and the proxy's routes follow this snapshot. Calls come one after the other; a later
   * one may overtake what an earlier one did not finish.
   * @throws Error in the words of the program that refused (nft); the former rules are still in force then
   */
  apply(snapshot: Snapshot): Promise<void>
  counters(): Promise<TrafficCounters>
  /** Takes no new connections, lets those under way finish until the signal is aborted. */
  drain(signal: AbortSignal): Promise<void>
  /** Closes sockets. With `cleanUp` also takes every rule and route off; without, the kernel keeps forwarding. */
  close(options: { readonly cleanUp: boolean }): Promise<void>
}

/** Counted since the start of the agent. */
export interface TrafficCounters {
  /** New connections and UDP flows that the kernel forwarded to an endpoint. */
  readonly l4Connections: number
  /** HTTP requests that the proxy took. */
  readonly l7Requests: number
  /** HTTP answers by status class: `2xx`, ... */
  readonly l7Responses: Readonly<Record<string, number>>
}

/**
 * EdgeMesh's service filter: the label `service.edgemesh.kubeedge.io/service-proxy-name` hands a Service to somebody else
 * (`labelled` are left out), or only Services that bear it are served (`unlabelled` are left out).
 */
export type ServiceFilter = 'labelled' | 'unlabelled'

/** What the traffic path needs to know at start. */
export interface DataPlaneInit {
  /** Address and port of the agent's own name server: reachable from this node and its pods only. */
  readonly dnsAddress: string
  readonly dnsPort: number
  /** Last labels of Service names; `cluster.local` when absent. */
  readonly clusterDomain?: string
  /** Which Services are served; those without the label when absent. */
  readonly serviceFilter?: ServiceFilter
  /** Connection, request and idle time-outs of the HTTP proxy have defaults; only tests set them. */
  readonly log: (
    level: 'info' | 'warn' | 'error',
    message: string,
    facts?: Readonly<Record<string, unknown>>,
  ) => void
}
