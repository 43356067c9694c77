/** Keywords of BCP 14. Only a MUST of a profile's core decides its conclusion; SHOULD and MAY are reported. */
export type Level = 'MUST' | 'SHOULD' | 'MAY'

/** Named sets of requirements: core (MUST without a feature) and extended (those that name a feature). */
export type Profile = 'DNS' | 'L4' | 'L7' | 'LB' | 'EDGE' | 'GATEWAY' | 'SECURITY' | 'ROBUSTNESS'

/** One row of the catalogue (scenarios/catalogue): what a data plane has to do, observable from outside. */
export interface Requirement {
  /** Stable: never renumbered, never used again (`DNS-A-001`). */
  readonly id: string
  readonly level: Level
  readonly profile: Profile
  /** What a target has to claim for this row to concern it; a row without one is core when it is a MUST. */
  readonly feature?: CatalogueFeature
  /** Where it can be checked: N the local provider, K a real Kubernetes, B both. */
  readonly environment: 'N' | 'K' | 'B'
  /** It breaks what other checks need, so it runs alone. */
  readonly disruptive: boolean
  /** It takes longer than 30 s. */
  readonly slow: boolean
  readonly sources: readonly Source[]
  /** What is sent and what is expected, in one sentence. */
  readonly sentence: string
  /** Bounds by name: the largest value, in milliseconds unless the name says otherwise, of a conformant target. */
  readonly thresholds: Readonly<Record<string, number>>
  /** Why no check judges it (yet); absent for a row that has a check. */
  readonly notAutomated?: string
  /** Why the row differs from the text it was taken from. */
  readonly why?: string
}

/** `RFC 1035 §4.1.1`, a Kubernetes e2e test, an issue; `H` is a house rule without an outside norm. */
export interface Source {
  readonly ref: string
  readonly url?: string
}

/** Features of the catalogue: rows that name one concern only targets that claim it. */
export type CatalogueFeature =
  | 'ipv6'
  | 'podRecords'
  | 'externalName'
  | 'sctp'
  | 'nodePort'
  | 'externalIPs'
  | 'internalTrafficPolicy'
  | 'externalTrafficPolicy'
  | 'trafficDistribution'
  | 'terminatingEndpoints'
  | 'sourceIP'
  | 'h2'
  | 'grpc'
  | 'forwardedHeaders'
  | 'retries'
  | 'httpRoute'
  | 'l7-proxy'
  | 'random'
  | 'consistentHash'
  | 'leastRequest'
  | 'destinationRule'
  | 'relay'
  | 'holePunch'
  | 'mdns'
  | 'persisted-cache'
  | 'serviceFilter'
  | 'netfilterRules'
  | 'tls'
  | 'mtls'
  | 'tcpRoute'
  | 'vsMatch'
  | 'vsRewrite'
  | 'vsRedirect'
  | 'vsTimeout'
  | 'vsMirror'
  | 'vsWeights'
  | 'gatewayAPI'
  | 'psk'
