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
}

export interface PortEndpoint extends EndpointView {
  readonly port: number
}
