/** What the traffic path has to do, worked out of the snapshot: plain values, no Kubernetes words left to interpret. */

import type { BalancePolicy } from '../kube/snapshot.ts'
import { listChange } from './list-change.ts'

/** Where a connection can end. */
export interface Destination {
  readonly address: string
  readonly port: number
}

/** One port of one Service. */
export interface PortPlan {
  /** `namespace/name/protocol/port`: names the chain and the counter of this port. */
  readonly id: string
  /** `namespace/name:port-name` for people. */
  readonly label: string
  readonly protocol: 'tcp' | 'udp' | 'sctp'
  readonly port: number
  readonly clusterIps: readonly string[]
  /** externalIPs and load balancer addresses. */
  readonly externalIps: readonly string[]
  readonly nodePort?: number
  /** How a destination is chosen where no affinity does it. */
  readonly policy: BalancePolicy
  /** ClientIP affinity: idle seconds after which a client may go elsewhere. */
  readonly affinitySeconds?: number
  /** Endpoints that may get new connections through the ClusterIP. */
  readonly destinations: readonly Destination[]
  /** Endpoints for NodePort and external addresses, when externalTrafficPolicy makes them differ. */
  readonly externalDestinations?: readonly Destination[]
  /** Local address that the HTTP proxy serves this port at; absent: the kernel forwards to the destinations. */
  readonly proxyAddress?: string
}

/** What is told at a healthCheckNodePort of this node. */
export interface HealthCheck {
  readonly port: number
  readonly namespace: string
  readonly name: string
  /** Ready endpoints of the Service on this node. */
  readonly localEndpoints: number
}

/** What one Service asks for. It stays the same object from plan to plan until something about it changes. */
export interface ServicePlan {
  readonly ports: readonly PortPlan[]
  /** The ClusterIPs we answer for, also without ports. */
  readonly clusterIps: readonly string[]
  /** Endpoints that are pods of this node: their answers come back this way without masquerading. */
  readonly localPods: readonly string[]
  /** Endpoints that may reach themselves through a Service: pods of this node, and those whose node is unknown. */
  readonly hairpins: readonly string[]
}

/** All Services that are served, as one immutable plan. */
export interface TrafficPlan {
  readonly services: readonly ServicePlan[]
}

export function portsOf(plan: TrafficPlan | undefined): readonly PortPlan[] {
  return (plan?.services ?? []).flatMap(({ ports }) => ports)
}

/** What one plan has and the other has not. A Service that changed is in both, as it was and as it is. */
export interface PlanChange {
  readonly gone: readonly ServicePlan[]
  readonly added: readonly ServicePlan[]
}

export function planChange(before: TrafficPlan | undefined, after: TrafficPlan): PlanChange {
  const { gone, added } = listChange(before?.services ?? [], after.services)
  return { gone: [...gone], added: [...added] }
}
