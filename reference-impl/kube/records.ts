/**
 * What is kept of Kubernetes objects: read from JSON that may be anything, small enough to hold a whole cluster in
 * memory and on disk. Unknown fields and odd values are passed over; an object without a usable name is none.
 */
import type { EndpointView } from './snapshot.ts'

export interface ServiceRecord {
  readonly namespace: string
  readonly name: string
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName'
  readonly clusterIps: readonly string[]
  readonly isHeadless: boolean
  readonly externalIps: readonly string[]
  readonly externalName?: string
  readonly affinitySeconds?: number
  readonly publishNotReadyAddresses: boolean
  readonly internalTrafficPolicy: 'Cluster' | 'Local'
  readonly externalTrafficPolicy: 'Cluster' | 'Local'
  readonly healthCheckNodePort?: number
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly ports: readonly {
    readonly name: string
    readonly protocol: 'TCP' | 'UDP' | 'SCTP'
    readonly port: number
    readonly nodePort?: number
    readonly appProtocol?: string
  }[]
}

export interface SliceRecord {
  readonly namespace: string
  readonly name: string
  /** The Service it belongs to. */
  readonly service: string
  readonly ports: readonly {
    readonly name: string
    readonly protocol: 'TCP' | 'UDP' | 'SCTP'
    /** Absent: all ports (discovery/v1 EndpointPort). */
    readonly port?: number
  }[]
  readonly endpoints: readonly EndpointView[]
}

export interface NodeRecord {
  readonly name: string
  readonly addresses: readonly string[]
  readonly podCidrs: readonly string[]
  readonly zone?: string
}

export interface NamespaceRecord {
  readonly name: string
}

type Fields = Readonly<Record<string, unknown>>

const kubectlAnnotation = 'kubectl.kubernetes.io/last-applied-configuration'

/** @returns undefined when the object has no name or no spec */
export function serviceRecord(object: unknown): ServiceRecord | undefined {
  const { metadata, spec } = fields(object)
  const { name, namespace, labels, annotations } = fields(metadata)
  if (!isText(name) || !isText(namespace) || !isFields(spec)) return undefined
  const type = oneOf(spec['type'], ['NodePort', 'LoadBalancer', 'ExternalName']) ?? 'ClusterIP'
  const addresses = texts(spec['clusterIPs'] ?? [spec['clusterIP']])
  const isHeadless = type !== 'ExternalName' && addresses.includes('None')
  const affinity =
    spec['sessionAffinity'] === 'ClientIP'
      ? fields(fields(spec['sessionAffinityConfig'])['clientIP'])['timeoutSeconds']
      : undefined
  const { [kubectlAnnotation]: _, ...keptAnnotations } = textFields(annotations)
  return {
    namespace,
    name,
    type,
    isHeadless,
    clusterIps: type === 'ExternalName' ? [] : addresses.filter((one) => one !== 'None'),
    externalIps: [...texts(spec['externalIPs']), ...loadBalancerIps(fields(object)['status'])],
    ...(isText(spec['externalName']) && { externalName: spec['externalName'] }),
    ...(spec['sessionAffinity'] === 'ClientIP' && {
      affinitySeconds: isNumber(affinity) ? affinity : 10_800,
    }),
    publishNotReadyAddresses: spec['publishNotReadyAddresses'] === true,
    internalTrafficPolicy: oneOf(spec['internalTrafficPolicy'], ['Local']) ?? 'Cluster',
    externalTrafficPolicy: oneOf(spec['externalTrafficPolicy'], ['Local']) ?? 'Cluster',
    ...(isPositive(spec['healthCheckNodePort']) && {
      healthCheckNodePort: spec['healthCheckNodePort'],
    }),
    labels: textFields(labels),
    annotations: keptAnnotations,
    ports: list(spec['ports']).flatMap(servicePort),
  }
}

function servicePort(value: unknown): ServiceRecord['ports'] {
  const { name, protocol, port, nodePort, appProtocol } = fields(value)
  if (!isNumber(port)) return []
  return [
    {
      name: isText(name) ? name : '',
      protocol: oneOf(protocol, ['UDP', 'SCTP']) ?? 'TCP',
      port,
      ...(isPositive(nodePort) && { nodePort }),
      ...(isText(appProtocol) && { appProtocol }),
    },
  ]
}

/** Addresses at which a load balancer sends traffic to nodes as it came (ipMode VIP, the default). */
function loadBalancerIps(status: unknown): readonly string[] {
  return list(fields(fields(status)['loadBalancer'])['ingress']).flatMap((value) => {
    const { ip, ipMode } = fields(value)
    return isText(ip) && ipMode !== 'Proxy' ? [ip] : []
  })
}

const serviceNameLabel = 'kubernetes.io/service-name'

/** @returns undefined when the slice belongs to no Service or has no IP addresses */
export function sliceRecord(object: unknown): SliceRecord | undefined {
  const { metadata, addressType, ports, endpoints } = fields(object)
  const { name, namespace, labels } = fields(metadata)
  const service = fields(labels)[serviceNameLabel]
  if (!isText(name) || !isText(namespace) || !isText(service) || addressType === 'FQDN')
    return undefined
  return {
    namespace,
    name,
    service,
    ports: list(ports).map((value) => {
      const { name: portName, protocol, port } = fields(value)
      return {
        name: isText(portName) ? portName : '',
        protocol: oneOf(protocol, ['UDP', 'SCTP']) ?? 'TCP',
        ...(isNumber(port) && { port }),
      }
    }),
    endpoints: list(endpoints).flatMap(endpointViews),
  }
}

/** Conditions that are absent mean: ready unless said otherwise, serving as ready, not terminating (discovery/v1). */
function endpointViews(value: unknown): readonly EndpointView[] {
  const { addresses, conditions, hostname, nodeName, zone, hints } = fields(value)
  const forZones = names(fields(hints)['forZones'])
  const forNodes = names(fields(hints)['forNodes'])
  const said = fields(conditions)
  const ready = said['ready'] !== false
  const view = {
    ready,
    serving: typeof said['serving'] === 'boolean' ? said['serving'] : ready,
    terminating: said['terminating'] === true,
    ...(isText(hostname) && { hostname }),
    ...(isText(nodeName) && { nodeName }),
    ...(isText(zone) && { zone }),
    ...(forZones.length > 0 && { forZones }),
    ...(forNodes.length > 0 && { forNodes }),
  }
  // why: consumers use the first address only; the others are the same endpoint again
  return texts(addresses)
    .slice(0, 1)
    .map((address) => ({ address, ...view }))
}

export function nodeRecord(object: unknown): NodeRecord | undefined {
  const { metadata, spec, status } = fields(object)
  const { name, labels } = fields(metadata)
  if (!isText(name)) return undefined
  const zone = fields(labels)['topology.kubernetes.io/zone']
  const { podCIDRs, podCIDR } = fields(spec)
  return {
    name,
    addresses: list(fields(status)['addresses']).flatMap((value) => {
      const { type, address } = fields(value)
      return type === 'InternalIP' && isText(address) ? [address] : []
    }),
    podCidrs: texts(podCIDRs ?? [podCIDR]),
    ...(isText(zone) && { zone }),
  }
}

export function namespaceRecord(object: unknown): NamespaceRecord | undefined {
  const { name } = fields(fields(object)['metadata'])
  return isText(name) ? { name } : undefined
}

function fields(value: unknown): Fields {
  return isFields(value) ? value : {}
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isNumber(value: unknown): value is number {
  return Number.isInteger(value)
}

function isPositive(value: unknown): value is number {
  return isNumber(value) && value > 0
}

/** The names of `[{ name }, ...]`. */
function names(value: unknown): readonly string[] {
  return texts(list(value).map((one) => fields(one)['name']))
}

function texts(value: unknown): readonly string[] {
  return list(value).filter(isText)
}

function textFields(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(fields(value)).flatMap(([key, text]) =>
      typeof text === 'string' ? [[key, text] as const] : [],
    ),
  )
}

function oneOf<T extends string>(value: unknown, allowed: readonly T[]): T | undefined {
  return allowed.find((one) => one === value)
}
