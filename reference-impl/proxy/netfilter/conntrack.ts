/**
 * UDP flows remember where they were sent (conntrack) for as long as they are used. When an endpoint goes, or a
 * Service comes to an address that was in use before, the old memory has to go too, or the client talks into a hole.
 */
import type { PortPlan, ServicePlan } from '../plan.ts'
import { NetfilterError, run } from './command.ts'

/** UDP fronts (`address:port` or `*:nodePort`) with the destinations that are right for them. */
export type UdpFronts = ReadonlyMap<string, ReadonlySet<string>>

export function udpFronts(services: readonly ServicePlan[]): UdpFronts {
  const fronts = new Map<string, Set<string>>()
  for (const port of services.flatMap(({ ports }) => ports)) {
    if (port.protocol !== 'udp') continue
    add(fronts, port, port.clusterIps, port.destinations)
    const external = port.externalDestinations ?? port.destinations
    add(fronts, port, port.externalIps, external)
    if (port.nodePort !== undefined) add(fronts, { port: port.nodePort }, ['*'], external)
  }
  return fronts
}

/** The fronts of both whose destinations are not the same, with what is right now. */
export function changedFronts(before: UdpFronts, after: UdpFronts): UdpFronts {
  const changed = new Map<string, ReadonlySet<string>>()
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const [old, now] = [before.get(key), after.get(key) ?? new Set<string>()]
    const same = old?.size === now.size && [...now].every((destination) => old.has(destination))
    if (!same) changed.set(key, now)
  }
  return changed
}

/**
 * Forgets the flows of `fronts` that lead anywhere else.
 * @returns how many kinds of flows were forgotten; undefined when the `conntrack` program is missing
 */
export async function forgetStaleFlows(fronts: UdpFronts): Promise<number | undefined> {
  if (fronts.size === 0) return 0
  let listed: string
  try {
    listed = (await run('conntrack', ['-L', '-f', 'ipv4', '-p', 'udp'])).stdout
  } catch (error) {
    if (error instanceof NetfilterError) return undefined
    throw error
  }
  const stale = staleFlows(listed, fronts)
  for (const args of stale) await run('conntrack', ['-D', '-f', 'ipv4', '-p', 'udp', ...args])
  return stale.length
}

const flowLine =
  /src=\S+ dst=(\S+) sport=\d+ dport=(\d+) .*?src=(\S+) dst=\S+ sport=(\d+) dport=\d+/

/** The `conntrack -D` filters, each once, that match the flows in `listed` which lead to a wrong destination. */
export function staleFlows(listed: string, fronts: UdpFronts): readonly (readonly string[])[] {
  const filters = new Map<string, readonly string[]>()
  for (const line of listed.split('\n')) {
    const [, front = '', frontPort = '', to = '', toPort = ''] = flowLine.exec(line) ?? []
    const right = fronts.get(`${front}:${frontPort}`) ?? fronts.get(`*:${frontPort}`)
    if (right === undefined || right.has(`${to}:${toPort}`)) continue
    const filter = [
      ...['--orig-dst', front, '--orig-port-dst', frontPort],
      ...['--reply-src', to, '--reply-port-src', toPort],
    ]
    filters.set(filter.join(' '), filter)
  }
  return [...filters.values()]
}

/** TCP fronts (`address:port`) behind which there is something: what is sent to them is translated. */
export function tcpFronts(services: readonly ServicePlan[]): ReadonlySet<string> {
  const fronts = new Set<string>()
  for (const port of services.flatMap(({ ports }) => ports)) {
    const { protocol, clusterIps, externalIps, destinations, proxyAddress } = port
    if (protocol !== 'tcp' || (destinations.length === 0 && proxyAddress === undefined)) continue
    for (const address of [...clusterIps, ...externalIps]) fronts.add(`${address}:${port.port}`)
  }
  return fronts
}

/**
 * Forgets attempts to connect from before `fronts` were translated. Only the first packet of a connection meets the rules,
 * and the kernel remembers for two minutes that this one led nowhere: a client whose own port is the same again would be
 * sent after it.
 * @returns how many fronts had any; undefined when the `conntrack` program is missing
 */
export async function forgetUntranslated(fronts: ReadonlySet<string>): Promise<number | undefined> {
  if (fronts.size === 0) return 0
  const attempts = ['-f', 'ipv4', '-p', 'tcp', '--state', 'SYN_SENT']
  let listed: string
  try {
    listed = (await run('conntrack', ['-L', ...attempts])).stdout
  } catch (error) {
    if (error instanceof NetfilterError) return undefined
    throw error
  }
  const filters = untranslatedFlows(listed, fronts)
  for (const filter of filters) await run('conntrack', ['-D', ...attempts, ...filter])
  return filters.length
}

/** The `conntrack -D` filters, each once, that match flows in `listed` to one of `fronts` whose answers come from it. */
export function untranslatedFlows(
  listed: string,
  fronts: ReadonlySet<string>,
): readonly (readonly string[])[] {
  const filters = new Map<string, readonly string[]>()
  for (const line of listed.split('\n')) {
    const [, address = '', port = '', from = ''] = flowLine.exec(line) ?? []
    const front = `${address}:${port}`
    if (from !== address || !fronts.has(front)) continue
    filters.set(front, ['--orig-dst', address, '--orig-port-dst', port, '--reply-src', address])
  }
  return [...filters.values()]
}

function add(
  fronts: Map<string, Set<string>>,
  { port }: Pick<PortPlan, 'port'>,
  addresses: readonly string[],
  destinations: PortPlan['destinations'],
): void {
  const right = new Set(destinations.map((to) => `${to.address}:${to.port}`))
  for (const address of addresses) fronts.set(`${address}:${port}`, right)
}
