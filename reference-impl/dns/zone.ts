/** The cluster's zone: Kubernetes DNS-Based Service Discovery, schema version 1.1.0, as a function of a snapshot. */
import type { ServiceView, Snapshot } from '../kube/snapshot.ts'
import { recordType, responseCode } from '../wire/dns-constants.ts'
import { endsWith, isEncodable, nameOf, type Name } from '../wire/dns-name.ts'
import type { RecordData, ResourceRecord } from '../wire/dns-record.ts'
import { addressRecords, endpointNames, listedEndpoints, portRecords } from './records.ts'
import { addressOfPointerName, pointerTargets } from './pointers.ts'

export interface ZoneSettings {
  /** Without a dot at the end: `cluster.local`. */
  readonly domain: string
  readonly ttlSeconds: number
  /** How long clients may remember that a name or type does not exist. */
  readonly negativeTtlSeconds: number
  /** Where this server answers: the address of the zone's name server. */
  readonly serverAddress: string
}

/** What the zone says about a question. */
export type ZoneAnswer =
  | { readonly kind: 'not-ours' }
  | {
      readonly kind: 'records'
      readonly code: number
      readonly answers: readonly ResourceRecord[]
      readonly authority: readonly ResourceRecord[]
      readonly additional: readonly ResourceRecord[]
    }
  /** A Service of type ExternalName: its CNAME, and the name where the search goes on. */
  | { readonly kind: 'alias'; readonly record: ResourceRecord; readonly target: Name }

/** Version of the schema that is served (specification §2.2). */
const schemaVersion = '1.1.0'

type Node =
  /** The name exists and owns these records; none means that only names below it own some. */
  | {
      readonly exists: true
      readonly data: readonly RecordData[]
      readonly additional?: readonly ResourceRecord[]
    }
  | { readonly exists: false }
  | { readonly alias: Name }

const missing: Node = { exists: false }
const empty: Node = { exists: true, data: [] }

/** The zone as of one snapshot; pure but for an index that the first PTR question builds. */
export class Zone {
  readonly #snapshot: Snapshot
  readonly #settings: ZoneSettings
  readonly #domain: Name
  readonly #serial: number
  #pointers: ReadonlyMap<string, readonly Name[]> | undefined

  /** @param serial - of the SOA: must not fall from one zone to the next */
  constructor(snapshot: Snapshot, settings: ZoneSettings, serial: number) {
    this.#snapshot = snapshot
    this.#settings = settings
    this.#domain = nameOf(settings.domain)
    this.#serial = serial
  }

  /** @param name - labels in lower case */
  lookUp(name: Name, type: number): ZoneAnswer {
    if (!endsWith(name, this.#domain)) return this.#pointer(name, type)
    const relative = name.slice(0, name.length - this.#domain.length)
    const node = this.#node(relative)
    if ('alias' in node)
      return {
        kind: 'alias',
        record: this.#record(name, { type: 'CNAME', target: node.alias }),
        target: node.alias,
      }
    if (!node.exists) return this.#negative(responseCode.NXDOMAIN)
    if (type === recordType.ANY) return this.#minimal(name)
    const data = node.data.filter((one) => recordType[one.type] === type)
    if (data.length === 0) return this.#negative(responseCode.NOERROR)
    return this.#positive(name, data, type === recordType.SRV ? node.additional : undefined)
  }

  /** @param labels - of a name in the zone, without the zone's own */
  #node(labels: Name): Node {
    const [last, second, ...rest] = [...labels].reverse()
    if (last === undefined)
      return { exists: true, data: [this.#soa(), { type: 'NS', target: this.#server() }] }
    if (last === 'svc')
      return second === undefined ? empty : this.#namespace(second, rest.reverse())
    if (last === 'pod') return this.#pods(second, rest)
    if (last === 'dns') return this.#serverNode(second, rest)
    if (last === 'dns-version' && second === undefined)
      return { exists: true, data: [{ type: 'TXT', text: schemaVersion }] }
    return missing
  }

  #namespace(namespace: string, labels: Name): Node {
    const name = labels.at(-1)
    if (name === undefined) return this.#snapshot.namespaces.has(namespace) ? empty : missing
    const service = this.#snapshot.services.get(`${namespace}/${name}`)
    if (service === undefined) return missing
    return this.#service(service, labels.slice(0, -1))
  }

  #service(service: ServiceView, labels: Name): Node {
    if (service.type === 'ExternalName') {
      if (labels.length > 0 || service.externalName === undefined) return missing
      const alias = nameOf(service.externalName)
      return isEncodable(alias) ? { alias } : missing
    }
    const owner = this.#serviceName(service)
    if (service.isHeadless && listedEndpoints(service).length === 0) return missing
    const srv = portRecords(service, owner, this.#settings.ttlSeconds)
    if (labels.length === 0)
      return {
        exists: true,
        data: [...addressRecords(service), ...srv.all.data],
        additional: srv.all.additional,
      }
    const [first = '', second] = labels
    if (labels.length === 1 && srv.protocols.has(first)) return empty
    if (labels.length === 2 && second !== undefined) {
      const found = srv.byName.get(`${first}.${second}`)
      if (found !== undefined) return { exists: true, ...found }
    }
    if (labels.length === 1 && service.isHeadless) return hostNode(service, first)
    return missing
  }

  /** Pod records are not part of schema 1.1.0 and not served; their parents exist as in CoreDNS. */
  #pods(namespace: string | undefined, rest: Name): Node {
    if (namespace === undefined) return empty
    return rest.length === 0 && this.#snapshot.namespaces.has(namespace) ? empty : missing
  }

  #serverNode(label: string | undefined, rest: Name): Node {
    if (label === undefined) return empty
    if (label !== 'ns' || rest.length > 0) return missing
    const address = this.#settings.serverAddress
    return { exists: true, data: [{ type: address.includes(':') ? 'AAAA' : 'A', address }] }
  }

  #pointer(name: Name, type: number): ZoneAnswer {
    const address = addressOfPointerName(name)
    if (address === undefined) return { kind: 'not-ours' }
    this.#pointers ??= pointerTargets(this.#snapshot, this.#domain)
    const targets = this.#pointers.get(address)
    if (targets === undefined) return { kind: 'not-ours' }
    if (type === recordType.ANY) return this.#minimal(name)
    if (type !== recordType.PTR) return this.#negative(responseCode.NOERROR)
    return this.#positive(
      name,
      targets.map((target) => ({ type: 'PTR', target })),
    )
  }

  #positive(
    name: Name,
    data: readonly RecordData[],
    additional: readonly ResourceRecord[] = [],
  ): ZoneAnswer {
    const answers = data.map((one) => this.#record(name, one))
    return { kind: 'records', code: responseCode.NOERROR, answers, authority: [], additional }
  }

  /** NXDOMAIN and NODATA carry the SOA; its TTL bounds how long they are remembered (RFC 2308 §3, §5). */
  #negative(code: number): ZoneAnswer {
    const ttlSeconds = this.#settings.negativeTtlSeconds
    const soa = { name: this.#domain, ttlSeconds, data: this.#soa() }
    return { kind: 'records', code, answers: [], authority: [soa], additional: [] }
  }

  /** RFC 8482 §4.2: ANY gets one small record that says where the answer is explained. */
  #minimal(name: Name): ZoneAnswer {
    return this.#positive(name, [{ type: 'HINFO', cpu: 'RFC8482', os: '' }])
  }

  #record(name: Name, data: RecordData): ResourceRecord {
    return { name, ttlSeconds: this.#settings.ttlSeconds, data }
  }

  #serviceName({ name, namespace }: ServiceView): Name {
    return [name, namespace, 'svc', ...this.#domain]
  }

  #server(): Name {
    return ['ns', 'dns', ...this.#domain]
  }

  #soa(): RecordData {
    return {
      type: 'SOA',
      primary: this.#server(),
      mailbox: ['hostmaster', ...this.#domain],
      serial: this.#serial,
      refreshSeconds: 7200,
      retrySeconds: 1800,
      expireSeconds: 86_400,
      minimumSeconds: this.#settings.negativeTtlSeconds,
    }
  }
}

/** `<hostname>.<service>` below a headless Service; endpoints that share a hostname share the name. */
function hostNode(service: ServiceView, label: string): Node {
  const addresses = endpointNames(service).get(label)
  if (addresses === undefined) return missing
  return {
    exists: true,
    data: addresses.map((address) => ({ type: address.includes(':') ? 'AAAA' : 'A', address })),
  }
}
