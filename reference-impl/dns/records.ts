import type { EndpointView, ServicePortView, ServiceView } from '../kube/snapshot.ts'
import type { Name } from '../wire/dns-name.ts'
import type { RecordData, ResourceRecord } from '../wire/dns-record.ts'

/** Endpoints of a headless Service that have records: the ready ones, or all if the Service says so. */
export function listedEndpoints(service: ServiceView): readonly EndpointView[] {
  return service.endpoints.filter((endpoint) => isListed(service, endpoint))
}

function isListed(service: ServiceView, { ready }: EndpointView): boolean {
  return ready || service.publishNotReadyAddresses
}

/** A and AAAA of the Service's own name: ClusterIPs, or for headless Services the endpoints (§2.3.1, §2.4.1). */
export function addressRecords(service: ServiceView): readonly RecordData[] {
  const addresses = service.isHeadless
    ? listedEndpoints(service).map(({ address }) => address)
    : service.clusterIps
  return [...new Set(addresses)].map(addressData)
}

/** The label of an endpoint below its Service: its hostname, or one made of its address, unique in the Service. */
export function endpointLabel({ hostname, address }: EndpointView): string {
  // why: every colon counts, or fd00::1:2 and fd00:1::2 would share a name; a label ends in no dash
  const dashed = address.replaceAll(/[.:]/g, '-').replace(/^-/, '0-').replace(/-$/, '-0')
  return hostname?.toLowerCase() ?? dashed
}

/** Addresses by the label that names them, for a headless Service. */
export function endpointNames(service: ServiceView): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>()
  for (const endpoint of listedEndpoints(service)) {
    const label = endpointLabel(endpoint)
    const known = names.get(label)
    if (known === undefined) names.set(label, [endpoint.address])
    else if (!known.includes(endpoint.address)) known.push(endpoint.address)
  }
  return names
}

export interface RecordSet {
  readonly data: readonly RecordData[]
  /** Addresses of the targets (§2.3.2, last paragraph). */
  readonly additional: readonly ResourceRecord[]
}

export interface PortRecords {
  /** SRV sets by `_port._protocol`. */
  readonly byName: ReadonlyMap<string, RecordSet>
  /** `_tcp` and such, as far as names exist below them. */
  readonly protocols: ReadonlySet<string>
  /** One record per named port, for the Service's own name, as CoreDNS gives them. */
  readonly all: RecordSet
}

/** SRV records of a Service's named ports (§2.3.2, §2.4.2). */
export function portRecords(service: ServiceView, owner: Name, ttlSeconds: number): PortRecords {
  const byName = new Map<string, RecordSet>()
  const protocols = new Set<string>()
  for (const port of service.ports) {
    if (port.name === '') continue
    const set = service.isHeadless
      ? endpointSet(service, port, owner, ttlSeconds)
      : clusterSet(service, port, owner, ttlSeconds)
    if (set.data.length === 0) continue
    const protocol = `_${port.protocol.toLowerCase()}`
    byName.set(`_${port.name.toLowerCase()}.${protocol}`, set)
    protocols.add(protocol)
  }
  const sets = [...byName.values()]
  const all = {
    data: sets.flatMap(({ data }) => data),
    additional: unique(sets.flatMap(({ additional }) => additional)),
  }
  return { byName, protocols, all }
}

function clusterSet(
  { clusterIps }: ServiceView,
  { port }: ServicePortView,
  owner: Name,
  ttlSeconds: number,
): RecordSet {
  return {
    data: [{ type: 'SRV', priority: 0, weight: 100, port, target: owner }],
    additional: clusterIps.map((address) => ({
      name: owner,
      ttlSeconds,
      data: addressData(address),
    })),
  }
}

/** The port is the endpoint's own, as in CoreDNS: nothing translates it on the way to a headless Service's endpoint. */
function endpointSet(
  service: ServiceView,
  port: ServicePortView,
  owner: Name,
  ttlSeconds: number,
): RecordSet {
  const listed = port.endpoints.filter((endpoint) => isListed(service, endpoint))
  const weight = Math.max(1, Math.floor(100 / Math.max(1, listed.length)))
  const data = new Map<string, RecordData>()
  const additional: ResourceRecord[] = []
  for (const endpoint of listed) {
    const target = [endpointLabel(endpoint), ...owner]
    const record = { type: 'SRV', priority: 0, weight, port: endpoint.port, target } as const
    data.set(`${target[0] ?? ''}:${endpoint.port}`, record)
    additional.push({ name: target, ttlSeconds, data: addressData(endpoint.address) })
  }
  return { data: [...data.values()], additional: unique(additional) }
}

function addressData(address: string): RecordData {
  return { type: address.includes(':') ? 'AAAA' : 'A', address }
}

function unique(records: readonly ResourceRecord[]): readonly ResourceRecord[] {
  return [...new Map(records.map((record) => [JSON.stringify(record), record])).values()]
}
