/** Services as chains, counters and map elements. */
import { slotTable } from '../balance/slots.ts'
import type { Destination, PortPlan, ServicePlan } from '../plan.ts'
import { keysPerChain, type Range } from './ranges.ts'
import type { Container, DestinationMap } from './table.ts'

/** Slots of the map from hashed source addresses to endpoints: even to about 15 % up to 64 endpoints. */
const sourceSlots = 1024

/** why: without one the kernel takes a seed of its own, another one on each node and after each change */
const sourceSeed = '0x6d657368'

/** nft refuses a longer comment, and the whole transaction with it; names of a Service and its port may come to 143. */
const commentCharacters = 120

/** Where the parts of a Service go. The same Service writes the same parts again, so that they can be taken back. */
export interface Draft {
  chain(name: string, rules: readonly string[]): void
  counter(name: string): void
  affinitySet(name: string, seconds: number): void
  /** @param rest - what follows the key as nft writes it */
  element(container: Container | DestinationMap, key: string, rest: string): void
  /** Where the destinations of a chain have their keys. */
  range(chain: string, port: PortPlan, destinations: readonly Destination[]): Range
}

/** @param proxyPort - TCP port of the HTTP proxy */
export function compileService(
  draft: Draft,
  { clusterIps, localPods, hairpins, ports }: ServicePlan,
  proxyPort: number | undefined,
): void {
  for (const address of clusterIps) draft.element('cluster-ips', address, '')
  for (const address of localPods) draft.element('local-pods', address, '')
  for (const address of hairpins) draft.element('hairpin', `${address} . ${address}`, '')
  for (const port of ports) compilePort(draft, port, proxyPort)
}

function compilePort(draft: Draft, port: PortPlan, proxyPort: number | undefined): void {
  const { id, protocol, label } = port
  const counter = `svc/${id}`
  const comment = `comment "${label.slice(0, commentCharacters)}"`
  draft.counter(counter)
  for (const { address } of port.destinations) draft.element('endpoint-ips', address, '')
  const proxied = port.proxyAddress !== undefined && proxyPort !== undefined
  const inside = proxied
    ? proxyChain(draft, port, proxyPort)
    : destinationChain(draft, port, `svc/${id}`, port.destinations)
  const external =
    port.externalDestinations === undefined
      ? inside
      : destinationChain(draft, port, `ext/${id}`, port.externalDestinations)

  for (const address of port.clusterIps) {
    // why: without an entry the packet keeps its ClusterIP, and that is rejected by the base chains
    if (inside !== undefined) {
      const key = `${address} . ${protocol} . ${port.port}`
      draft.element('services', key, `${comment} : goto ${inside}`)
      draft.element('served', key, '')
    }
  }
  for (const address of port.externalIps) {
    const key = `${address} . ${protocol} . ${port.port}`
    if (external === undefined) {
      draft.element('no-endpoints', key, comment)
    } else {
      draft.element('services', key, `${comment} : goto ${external}`)
      draft.element('external-ips', address, '')
    }
  }
  if (port.nodePort === undefined) return
  const key = `${protocol} . ${port.nodePort}`
  // why: a node without a local endpoint stays silent, so that a load balancer or a retry finds the right one
  const verdict = external ?? (port.externalDestinations === undefined ? undefined : 'drop')
  if (verdict === undefined) return
  const target = verdict === 'drop' ? 'drop' : `goto ${verdict}`
  draft.element('node-ports', key, `${comment} : ${target}`)
  draft.element('node-port-numbers', String(port.nodePort), '')
}

function proxyChain(draft: Draft, port: PortPlan, proxyPort: number): string {
  const chain = `svc/${port.id}`
  draft.chain(chain, [
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
  draft.chain(chain, [
    counter,
    ...(port.affinitySeconds === undefined
      ? [plainRule(draft, port, chain, destinations)]
      : stickyRules(draft, port, chain, destinations, port.affinitySeconds)),
  ])
  return chain
}

function plainRule(
  draft: Draft,
  port: PortPlan,
  chain: string,
  destinations: readonly Destination[],
): string {
  const { policy, protocol } = port
  const forProtocol = `meta l4proto ${protocol}`
  const [only] = destinations
  if (destinations.length === 1 && only !== undefined)
    return `${forProtocol} dnat ip to ${only.address}:${only.port}`
  const bySource = typeof policy === 'object' && policy.kind === 'source-address'
  if (bySource) return sourceRule(draft, port, chain, destinations)
  const turns = turn(port, destinations.length)
  if (destinations.length > keysPerChain) {
    const choices = destinations.map(({ address, port: to }, i) => `${i} : ${address} . ${to}`)
    return `${forProtocol} dnat ip to ${turns} map { ${choices.join(', ')} }`
  }
  const { map, offset } = numbered(draft, port, chain, destinations)
  return `${forProtocol} dnat ip to ${turns} offset ${offset} map @${map}`
}

/** One client address, one endpoint, whatever the ports (jhash of the address); see balance/slots.ts. */
function sourceRule(
  draft: Draft,
  port: PortPlan,
  chain: string,
  destinations: readonly Destination[],
): string {
  const choices = [...slotTable(destinations, sourceSlots)].map(
    (index) => destinations[index] as Destination,
  )
  const { map, offset } = numbered(draft, port, chain, choices)
  return `meta l4proto ${port.protocol} dnat ip to jhash ip saddr mod ${sourceSlots} seed ${sourceSeed} offset ${offset} map @${map}`
}

/** Puts the choices of a chain into a map, under keys in a row. */
function numbered(
  draft: Draft,
  port: PortPlan,
  chain: string,
  choices: readonly Destination[],
): Range {
  const range = draft.range(chain, port, choices)
  for (const [i, { address, port: to }] of choices.entries())
    draft.element(range.map, String(range.offset + i), `: ${address} . ${to}`)
  return range
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
    draft.affinitySet(set, timeoutSeconds)
    draft.chain(endpointChain, [
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
