/**
 * Our nftables table as a value: what is compared, written and shown. Only the parts that depend on Services are here;
 * the hooks that lead to them are in `base.ts`.
 */
import type { PlanChange } from '../plan.ts'
import { Claims, type Change } from './claims.ts'
import { compileService, type Draft } from './compile.ts'
import { keysPerChain, Ranges } from './ranges.ts'

/** Verdict maps and sets whose elements come from Services; always there. */
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

/** Maps of destinations, which come and go with what is in them: `to-tcp-0`. */
export type DestinationMap = `to-${string}`

const containers: Readonly<
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

export const containerNames: readonly Container[] = Object.keys(containers) as Container[]

/** Clients that one affinity set remembers; the kernel drops the oldest beyond that. */
const affinitySetSize = 65_536

/** A set or map as nft declares it: `map services` and `type ...;`. */
export interface Declaration {
  readonly title: string
  readonly body: string
}

export function isDestinationMap(name: string): name is DestinationMap {
  return name.startsWith('to-')
}

export function declarationOf(name: Container | DestinationMap): Declaration {
  if (!isDestinationMap(name)) {
    const { kind, type } = containers[name]
    return { title: `${kind} ${name}`, body: `type ${type};` }
  }
  const protocol = name.split('-')[1] ?? ''
  // why: "th dport" would be at odds with the protocol that each rule names before it may translate ports
  const body = `typeof numgen inc mod ${keysPerChain} : ip daddr . ${protocol} dport;`
  return { title: `map ${name}`, body }
}

export function affinityDeclaration(name: string, seconds: number): Declaration {
  const body = `type ipv4_addr; flags dynamic,timeout; timeout ${seconds}s; size ${affinitySetSize};`
  return { title: `set ${name}`, body }
}

/** What is different since the last change. */
export interface TableChange {
  readonly chains: readonly Change<readonly string[]>[]
  readonly counters: readonly Change<string>[]
  readonly affinitySets: readonly Change<number>[]
  readonly elements: ReadonlyMap<Container | DestinationMap, readonly Change<string>[]>
  /** Maps that are empty now; those that were are declared wherever they are used. */
  readonly emptied: readonly DestinationMap[]
}

/** The table as it shall be. It follows plans by their differences; how it came to a plan does not show in it. */
export class Table {
  /** Chain name to rules, in order. */
  readonly chains: Claims<readonly string[]> = new Claims()
  readonly counters: Claims<string> = new Claims()
  /** Affinity sets: name to time-out in seconds. */
  readonly affinitySets: Claims<number> = new Claims()
  /** Keys to what follows the key (a comment, a verdict, a destination) as nft writes it. */
  readonly elements: Map<Container | DestinationMap, Claims<string>> = new Map()
  readonly #proxyPort: number | undefined
  readonly #ranges = new Ranges()
  #isFilled = false

  /** @param proxyPort - TCP port of the HTTP proxy */
  constructor(proxyPort: number | undefined) {
    this.#proxyPort = proxyPort
    for (const name of containerNames) this.elements.set(name, new Claims())
  }

  /**
   * Follows a plan. The first one fills the table and counts as no change. Should this throw, the table is of no use
   * any more.
   */
  change({ gone, added }: PlanChange): TableChange {
    const [taking, giving] = [this.#draft('release'), this.#draft('claim')]
    for (const service of gone) compileService(taking, service, this.#proxyPort)
    for (const service of added) compileService(giving, service, this.#proxyPort)
    this.#isFilled = true
    const chains = this.chains.takeChanges()
    for (const { key, now } of chains) if (now === undefined) this.#ranges.release(key)
    const elements = new Map<Container | DestinationMap, readonly Change<string>[]>()
    const emptied: DestinationMap[] = []
    for (const [name, claims] of this.elements) {
      const changes = claims.takeChanges()
      if (changes.length > 0) elements.set(name, changes)
      if (claims.size > 0 || !isDestinationMap(name)) continue
      this.elements.delete(name)
      if (changes.some(({ before }) => before !== undefined)) emptied.push(name)
    }
    const counters = this.counters.takeChanges()
    return { chains, counters, affinitySets: this.affinitySets.takeChanges(), elements, emptied }
  }

  #draft(how: 'claim' | 'release'): Draft {
    return {
      chain: (name, rules) => this.chains[how](name, rules),
      counter: (name) => this.counters[how](name, name),
      affinitySet: (name, seconds) => this.affinitySets[how](name, seconds),
      element: (container, key, rest) => this.#claims(container)[how](key, rest),
      range: (chain, port, destinations) =>
        how === 'claim' ? this.#ranges.place(chain, port, destinations) : this.#ranges.find(chain),
    }
  }

  #claims(name: Container | DestinationMap): Claims<string> {
    const known = this.elements.get(name)
    if (known !== undefined) return known
    const claims = new Claims<string>(this.#isFilled)
    this.elements.set(name, claims)
    return claims
  }
}
