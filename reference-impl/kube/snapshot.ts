/**
 * What the agent knows of the cluster at one moment: made anew for each change, never changed in place. Name
 * resolution and traffic path work from the same snapshot.
 */
export interface Snapshot {
  /** Counts up with every snapshot of this process. */
  readonly version: number
  /** Services by `namespace/name`. */
  readonly services: ReadonlyMap<string, ServiceView>
  /** Namespaces that exist; names below them are empty, not missing (RFC 8020). */
  readonly namespaces: ReadonlySet<string>
  readonly node: NodeView
  /** Istio's DestinationRules of all namespaces; absent as long as none are known. */
  readonly destinationRules?: readonly DestinationRuleView[]
}

/** How a new connection (L4) or request (L7) finds its endpoint. */
export type BalancePolicy = 'round-robin' | 'random' | 'least-request' | HashKey

/** What is hashed: the same value, the same endpoint. A request that lacks it is hashed by its source address. */
export type HashKey =
  | { readonly kind: 'source-address' }
  /** A field of the request, its name in lower case. */
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'query'; readonly name: string }
  /** A cookie; a client without one is given one. `ttlSeconds` 0: for as long as the client runs. */
  | {
      readonly kind: 'cookie'
      readonly name: string
      readonly ttlSeconds: number
      readonly path?: string
    }

/** A DestinationRule (networking.istio.io), as far as it is about balancing. */
export interface DestinationRuleView {
  readonly namespace: string
  readonly name: string
  /** RFC 3339; of two rules for one Service the older one counts. */
  readonly created: string
  /** `spec.host` as it was written, in lower case; empty when there is none. */
  readonly host: string
  readonly policy: BalancePolicy
  /** Policies of single ports (portLevelSettings); they inherit nothing from `policy`. */
  readonly ports: readonly { readonly port: number; readonly policy: BalancePolicy }[]
  /** What the object asks for and does not get, each a phrase. */
  readonly notes: readonly string[]
}

/** The node that this agent serves. */
export interface NodeView {
  readonly name: string
  /** Its InternalIPs. */
  readonly addresses: readonly string[]
  readonly podCidrs: readonly string[]
  readonly zone?: string
}

export interface ServiceView {
  readonly namespace: string
  readonly name: string
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName'
  /** Empty for headless and ExternalName Services. */
  readonly clusterIps: readonly string[]
  readonly externalIps: readonly string[]
  readonly externalName?: string
  readonly isHeadless: boolean
  /** ClientIP affinity with its time-out, 1 to 86 400 s; absent means none. */
  readonly affinitySeconds?: number
  readonly publishNotReadyAddresses: boolean
  readonly internalTrafficPolicy: 'Cluster' | 'Local'
  readonly externalTrafficPolicy: 'Cluster' | 'Local'
  /** Where a load balancer asks whether this node has endpoints (externalTrafficPolicy Local). */
  readonly healthCheckNodePort?: number
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly ports: readonly ServicePortView[]
  /** Endpoints of Services without ports (headless, port-less) and, for headless names, every endpoint once. */
  readonly endpoints: readonly EndpointView[]
}

export interface ServicePortView {
  /** Empty for the single unnamed port. */
  readonly name: string
  readonly protocol: 'TCP' | 'UDP' | 'SCTP'
  readonly port: number
  readonly nodePort?: number
  readonly appProtocol?: string
  /** The endpoints of this port, each with the port that its slice gives. */
  readonly endpoints: readonly PortEndpoint[]
}

export interface EndpointView {
  readonly address: string
  readonly ready: boolean
  readonly serving: boolean
  readonly terminating: boolean
  readonly hostname?: string
  readonly nodeName?: string
  readonly zone?: string
  /** Zones and nodes that shall use it (EndpointHints); absent where the slice gives no hint. */
  readonly forZones?: readonly string[]
  readonly forNodes?: readonly string[]
}

export interface PortEndpoint extends EndpointView {
  readonly port: number
}
