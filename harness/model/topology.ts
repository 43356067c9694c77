/** The shape of a cluster, as data. Every provider builds from it what it can and refuses the rest by name. */
export interface Topology {
  readonly lans: readonly Lan[]
  readonly nodes: readonly NodeSpec[]
  /** DNS zone of Services, without a trailing dot. `cluster.local` unless a test says otherwise. */
  readonly clusterDomain: string
  /** Pods' addresses, IPv4 CIDR; each node gets a /24 of it. */
  readonly podCidr: string
  /** ClusterIPs, IPv4 CIDR. */
  readonly serviceCidr: string
  /** IPv6 CIDRs of pods and ClusterIPs beside the IPv4 ones: a dual-stack cluster. */
  readonly ipv6?: { readonly podCidr: string; readonly serviceCidr: string }
  /** Name server that kubelets write into pods' resolv.conf: where the target under test answers. */
  readonly clusterDns: string
  /**
   * Name servers in the nodes' own resolv.conf: where a target asks for names outside of the cluster domain. IPv4
   * addresses; the name of a node stands for its address, which some providers know only when the node is there.
   */
  readonly upstreamDns?: readonly string[]
  /**
   * Longest pause before a container that ended is started again, in ms (kubelet's
   * crashLoopBackOff.maxContainerRestartPeriod); 300 000 when absent. Runs that end the target on purpose want it short.
   */
  readonly longestRestartPauseMs?: number
  /** kube-proxy stands beside the target, in this mode; absent: as the provider was asked otherwise. */
  readonly kubeProxy?: 'iptables' | 'nftables'
}

export interface Lan {
  readonly name: string
  /** IPv4 CIDR; `.1` is the router. */
  readonly cidr: string
  /** Bytes of an IP packet, 1280 to 9000. */
  readonly mtu?: number
  readonly link?: LinkShape
  /** `open`: other LANs reach in and out; `nat`: only outwards, masqueraded, as behind a home router. */
  readonly uplink: 'open' | 'nat'
}

export interface NodeSpec {
  readonly name: string
  /** Name of the LAN it stands in. */
  readonly lan: string
  /** `edge` nodes carry KubeEdge's label `node-role.kubernetes.io/edge`; `master` carries the API. */
  readonly role: 'master' | 'edge' | 'worker'
  readonly labels?: Readonly<Record<string, string>>
  readonly taints?: readonly Taint[]
  /** Shape of this node's own cable. */
  readonly link?: LinkShape
}

export interface Taint {
  readonly key: string
  readonly value?: string
  readonly effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute'
}

/** What a cable does to packets. Rate needs tbf or htb, delay and loss need netem; absent means untouched. */
export interface LinkShape {
  readonly rateMbit?: number
  readonly delayMs?: number
  /** 0 to 1. */
  readonly lossRatio?: number
}
