/** Services as chains, counters and map elements. */
import { slotTable } from '../balance/slots.ts'
import type { Destination, PortPlan, TrafficPlan } from '../plan.ts'
import type { Container, Table } from './table.ts'

/** Clients that one affinity set remembers; the kernel drops the oldest beyond that. */
export const affinitySetSize = 65_536

/** Slots of the map from hashed source addresses to endpoints: even to about 15 % up to 64 endpoints. */
const sourceSlots = 1024

/** Endpoints that are told apart by rules; more of them by a map, where the way to the last one stays short. */
const mostRules = 8

/** why: without one the kernel takes a seed of its own, another one on each node and after each change */
const sourceSeed = '0x6d657368'

/** nft refuses a longer comment, and the whole transaction with it; names of a Service and its port may come to 143. */
const commentCharacters = 120

type Draft = {
  readonly chains: Map<string, readonly string[]>
  readonly counters: Set<string>
  readonly affinitySets: Map<string, number>
  readonly elements: Readonly<Record<Container, Map<string, string>>>
}

/** @param proxyPort - TCP port of the HTTP proxy */
export function compile(plan: TrafficPlan, proxyPort: number | undefined): Table {
  const draft = emptyDraft()
  for (const address of plan.clusterIps) draft.elements['cluster-ips'].set(address, '')
  for (const address of plan.localPods) draft.elements['local-pods'].set(address, '')
  for (const address of plan.hairpins) draft.elements.hairpin.set(`${address} . ${address}`, '')
  for (const port of plan.ports) compilePort(draft, port, proxyPort)
  return draft
}

function compilePort(draft: Draft, port: PortPlan, proxyPort: number | undefined): void {
  const { id, protocol, label } = port
  const counter = `svc/${id}`
  const comment = `comment "${label.slice(0, commentCharacters)}"`
  draft.counters.add(counter)
  for (const { address } of port.destinations) draft.elements['endpoint-ips'].set(address, '')
  const proxied = port.proxyAddress !== undefined && proxyPort !== undefined
  const inside = proxied
    ? proxyChain(draft, port, proxyPort)
    : destinationChain(draft, port, `svc/${id}`, port.destinations)
  const external =
    port.externalDestinations === undefined
      ? inside
      : destinationChain(draft, port, `ext/${id}`, port.externalDestinations)

  const { services, served, 'no-endpoints': none } = draft.elements
  for (const address of port.clusterIps) {
    // why: without an entry the packet keeps its ClusterIP, and that is rejected by the base chains
    if (inside !== undefined) {
      const key = `${address} . ${protocol} . ${port.port}`
      services.set(key, `${comment} : goto ${inside}`)
      served.set(key, '')
    }
  }
  for (const address of port.externalIps) {
    const key = `${address} . ${protocol} . ${port.port}`
    if (external === undefined) {
      none.set(key, comment)
    } else {
      services.set(key, `${comment} : goto ${external}`)
      draft.elements['external-ips'].set(address, '')
    }
  }
  if (port.nodePort === undefined) return
  const key = `${protocol} . ${port.nodePort}`
  // why: a node without a local endpoint stays silent, so that a load balancer or a retry finds the right one
  const verdict = external ?? (port.externalDestinations === undefined ? undefined : 'drop')
  if (verdict === undefined) return
  const target = verdict === 'drop' ? 'drop' : `goto ${verdict}`
  draft.elements['node-ports'].set(key, `${comment} : ${target}`)
  draft.elements['node-port-numbers'].set(String(port.nodePort), '')
}

function proxyChain(draft: Draft, port: PortPlan, proxyPort: number): string {
  const chain = `svc/${port.id}`
  draft.chains.set(chain, [
    `counter name "${chain}"`,
    `meta l4proto tcp dnat ip to ${port.proxyAddress ?? ''}:${proxyPort}`,
  ])
  return chain
}

/** Adds the chain that leads to one of `destinations`; undefined when there is none. */
function destinationChain(
  draft: Draft,
  port: PortPlan,
  chain: string,
  destinations: readonly Destination[],
): string | undefined {
  if (destinations.length === 0) return undefined
  const counter = `counter name "svc/${port.id}"`
  draft.chains.set(chain, [
    counter,
    ...(port.affinitySeconds === undefined
      ? plainRules(port, destinations)
      : stickyRules(draft, port, chain, destinations, port.affinitySeconds)),
  ])
  return chain
}

/**
 * Few endpoints get a rule each, which takes every n-th of the connections that come to it: the kernel keeps anonymous
 * maps in one list that it walks for each new one, so that a map for each of 10 000 Services costs it 10 s.
 */
function plainRules(port: PortPlan, destinations: readonly Destination[]): readonly string[] {
  const { policy, protocol } = port
  const toEach = destinations.map(({ address, port: to }) => `dnat ip to ${address}:${to}`)
  const forProtocol = `meta l4proto ${protocol}`
  if (destinations.length === 1) return toEach.map((to) => `${forProtocol} ${to}`)
  const bySource = typeof policy === 'object' && policy.kind === 'source-address'
  if (bySource) return [sourceRule(port, destinations)]
  if (destinations.length <= mostRules)
    return toEach.map((to, i) => {
      const left = destinations.length - i
      return left === 1 ? `${forProtocol} ${to}` : `${forProtocol} ${turn(port, left)} 0 ${to}`
    })
  const choices = destinations.map(({ address, port: to }, i) => `${i} : ${address} . ${to}`)
  return [`${forProtocol} dnat ip to ${turn(port, choices.length)} map { ${choices.join(', ')} }`]
}

/** One client address, one endpoint, whatever the ports (jhash of the address); see balance/slots.ts. */
function sourceRule({ protocol }: PortPlan, destinations: readonly Destination[]): string {
  const choices: string[] = []
  for (const [slot, index] of slotTable(destinations, sourceSlots).entries()) {
    const { address, port } = destinations[index] as Destination
    choices.push(`${slot} : ${address} . ${port}`)
  }
  return `meta l4proto ${protocol} dnat ip to jhash ip saddr mod ${sourceSlots} seed ${sourceSeed} map { ${choices.join(', ')} }`
}

/** A client that is remembered by an endpoint's set goes there; anyone else gets a turn and is remembered. */
function stickyRules(
  draft: Draft,
  port: PortPlan,
  chain: string,
  destinations: readonly Destination[],
  timeoutSeconds: number,
): readonly string[] {
  const known: string[] = []
  const choices: string[] = []
  for (const [i, { address, port: to }] of destinations.entries()) {
    const endpointChain = `to/${chain}/${address}/${to}`
    const set = `aff/${chain}/${address}/${to}/${timeoutSeconds}`
    draft.affinitySets.set(set, timeoutSeconds)
    draft.chains.set(endpointChain, [
      `update @${set} { ip saddr }`,
      `meta l4proto ${port.protocol} dnat ip to ${address}:${to}`,
    ])
    known.push(`ip saddr @${set} goto ${endpointChain}`)
    choices.push(`${i} : goto ${endpointChain}`)
  }
  return [...known, `${turn(port, choices.length)} vmap { ${choices.join(', ')} }`]
}

/** The kernel does not know how many requests are outstanding: the fewest are as good as at random there. */
function turn({ policy }: PortPlan, count: number): string {
  return `numgen ${policy === 'random' || policy === 'least-request' ? 'random' : 'inc'} mod ${count}`
}

function emptyDraft(): Draft {
  return {
    chains: new Map(),
    counters: new Set(),
    affinitySets: new Map(),
    elements: {
      services: new Map(),
      'node-ports': new Map(),
      'no-endpoints': new Map(),
      served: new Map(),
      'cluster-ips': new Map(),
      'external-ips': new Map(),
      'node-port-numbers': new Map(),
      'endpoint-ips': new Map(),
      'local-pods': new Map(),
      hairpin: new Map(),
    },
  }
}
