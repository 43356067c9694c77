/**
 * Our nftables table as a value: what is compared, written and shown. Only the parts that depend on Services are here;
 * the hooks that lead to them are in `base.ts`.
 */

/** Verdict maps and sets whose elements come from Services. */
export type Container =
  | 'services'
  | 'node-ports'
  | 'no-endpoints'
  | 'served'
  | 'cluster-ips'
  | 'external-ips'
  | 'node-port-numbers'
  | 'endpoint-ips'
  | 'local-pods'
  | 'hairpin'

/** The types of the containers as nft writes them. */
export const containers: Readonly<
  Record<Container, { readonly kind: 'map' | 'set'; readonly type: string }>
> = {
  services: { kind: 'map', type: 'ipv4_addr . inet_proto . inet_service : verdict' },
  'node-ports': { kind: 'map', type: 'inet_proto . inet_service : verdict' },
  'no-endpoints': { kind: 'set', type: 'ipv4_addr . inet_proto . inet_service' },
  served: { kind: 'set', type: 'ipv4_addr . inet_proto . inet_service' },
  'cluster-ips': { kind: 'set', type: 'ipv4_addr' },
  'external-ips': { kind: 'set', type: 'ipv4_addr' },
  'node-port-numbers': { kind: 'set', type: 'inet_service' },
  'endpoint-ips': { kind: 'set', type: 'ipv4_addr' },
  'local-pods': { kind: 'set', type: 'ipv4_addr' },
  hairpin: { kind: 'set', type: 'ipv4_addr . ipv4_addr' },
}

/** An element: its key, and what follows the key (a comment, a verdict) as nft writes it. */
export type Elements = ReadonlyMap<string, string>

export interface Table {
  /** Chain name to rules, in order. */
  readonly chains: ReadonlyMap<string, readonly string[]>
  readonly counters: ReadonlySet<string>
  /** Affinity sets: name to time-out in seconds. */
  readonly affinitySets: ReadonlyMap<string, number>
  readonly elements: Readonly<Record<Container, Elements>>
}

export const containerNames: readonly Container[] = Object.keys(containers) as Container[]
