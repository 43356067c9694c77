/** Services to traffic plan: which endpoints, which addresses, which way. Pure; problems are values. */
import { isIPv4 } from 'node:net'
import type {
  BalancePolicy,
  DestinationRuleView,
  NodeView,
  PortEndpoint,
  ServicePortView,
  ServiceView,
} from '../kube/snapshot.ts'
import type { ServiceFilter } from '../data-plane.ts'
import { eligibleLocal, eligibleNear } from './balance/eligible.ts'
import { isHttp } from './balance/protocol.ts'
import { RuleBook } from './balance/rule-book.ts'
import type { Destination, HealthCheck, PortPlan, TrafficPlan } from './plan.ts'

/** What the plan depends on besides Services. */
export interface PlanContext {
  readonly node: NodeView
  /** Addresses of this node's interfaces. */
  readonly ownAddresses: ReadonlySet<string>
  /** Addresses that no Service may take over: DNS, the node itself, the API server. */
  readonly reservedAddresses: ReadonlySet<string>
  /** `tcp/30080` for ports that programs of this node listen on. */
  readonly busyPorts: ReadonlySet<string>
  readonly destinationRules?: readonly DestinationRuleView[] | undefined
  /** What hosts of rules may end with; `cluster.local` when absent. */
  readonly clusterDomain?: string | undefined
  /** Which Services are left to others; those with EdgeMesh's label when absent. */
  readonly serviceFilter?: ServiceFilter | undefined
  /** Gives an HTTP port its local address; undefined when HTTP is not proxied. */
  readonly proxyAddress?: ((id: string) => string | undefined) | undefined
}

export interface Planned {
  readonly plan: TrafficPlan
  readonly healthChecks: readonly HealthCheck[]
  /** What could not be done, each a sentence that names the Service. */
  readonly problems: readonly string[]
}

/** Names of Kubernetes objects (RFC 1123); they become part of chain names. */
const nameRule = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/

/** Labels that hand a Service to somebody else (service-proxy-name) or take it from all proxies (headless). */
const foreignLabels = ['service.kubernetes.io/service-proxy-name', 'service.kubernetes.io/headless']

const filterLabel = 'service.edgemesh.kubeedge.io/service-proxy-name'

export function planTraffic(services: Iterable<ServiceView>, context: PlanContext): Planned {
  const problems: string[] = []
  const served = [...services].filter((service) =>
    isServed(service, context.serviceFilter, problems),
  )
  const clusterIps = new Set<string>()
  for (const service of served) {
    for (const address of service.clusterIps) if (isIPv4(address)) clusterIps.add(address)
  }
  const rules = new RuleBook(
    context.destinationRules ?? [],
    context.clusterDomain ?? 'cluster.local',
    problems,
  )
  problems.push(...rules.misleading(served))
  const ports: PortPlan[] = []
  const forbidden = new Set([...context.reservedAddresses, ...clusterIps, ...apiServers(served)])
  for (const service of served) {
    const externalIps = allowedExternalIps(service, forbidden, context, problems)
    for (const port of service.ports) {
      const planned = planPort(service, port, { externalIps, rules }, context, problems)
      if (planned !== undefined) ports.push(planned)
    }
  }
  return {
    plan: { ports, clusterIps: [...clusterIps], ...localEndpoints(served, context) },
    healthChecks: served.flatMap((service) => healthCheck(service, context)),
    problems,
  }
}

/** Terminating endpoints do not count: a load balancer shall send new connections elsewhere while they still serve. */
function healthCheck(service: ServiceView, { node }: PlanContext): readonly HealthCheck[] {
  const { namespace, name, healthCheckNodePort: port, externalTrafficPolicy, ports } = service
  if (port === undefined || externalTrafficPolicy !== 'Local') return []
  const local = ports.flatMap(({ endpoints }) =>
    endpoints.filter(({ ready, nodeName }) => ready && nodeName === node.name),
  )
  const localEndpoints = new Set(local.map(({ address }) => address)).size
  return [{ port, namespace, name, localEndpoints }]
}

function isServed(
  service: ServiceView,
  leaveOut: ServiceFilter = 'labelled',
  problems: string[] = [],
): boolean {
  const { namespace, name, type, isHeadless, labels } = service
  if (type === 'ExternalName' || isHeadless) return false
  if (foreignLabels.some((label) => labels[label] !== undefined)) return false
  if ((labels[filterLabel] !== undefined) === (leaveOut === 'labelled')) return false
  if (nameRule.test(namespace) && nameRule.test(name)) return true
  problems.push(`Service ${JSON.stringify(`${namespace}/${name}`)}: not a valid name, ignored`)
  return false
}

function planPort(
  service: ServiceView,
  port: ServicePortView,
  { externalIps, rules }: { readonly externalIps: readonly string[]; readonly rules: RuleBook },
  context: PlanContext,
  problems: string[],
): PortPlan | undefined {
  const protocol = port.protocol.toLowerCase()
  const where = `${service.namespace}/${service.name}`
  const label = `${where}:${port.name === '' ? port.port : port.name}`
  if (protocol !== 'tcp' && protocol !== 'udp' && protocol !== 'sctp') {
    problems.push(
      `Service ${where}: protocol ${JSON.stringify(port.protocol)} is not one of TCP, UDP, SCTP`,
    )
    return undefined
  }
  if (!isPort(port.port)) {
    problems.push(`Service ${where}: port ${port.port} is not a number from 1 to 65535`)
    return undefined
  }
  const usable = usableEndpoints(service, port)
  const all = destinations(eligibleNear(usable, context.node))
  const local = destinations(eligibleLocal(usable, context.node.name))
  const id = `${where}/${protocol}/${port.port}`
  const proxyAddress = isHttp(port) ? context.proxyAddress?.(id) : undefined
  const nodePort = freeNodePort(port, protocol, label, context, problems)
  const insideLocal = service.internalTrafficPolicy === 'Local'
  const outsideLocal = service.externalTrafficPolicy === 'Local'
  return {
    id,
    label,
    protocol,
    port: port.port,
    clusterIps: service.clusterIps.filter((address) => isIPv4(address)),
    externalIps,
    policy: usablePolicy(rules.policyFor(service, port.port), service, port, problems),
    destinations: insideLocal ? local : all,
    ...(insideLocal !== outsideLocal && { externalDestinations: outsideLocal ? local : all }),
    ...(insideLocal && outsideLocal && { externalDestinations: local }),
    ...(nodePort !== undefined && { nodePort }),
    ...(service.affinitySeconds !== undefined && { affinitySeconds: service.affinitySeconds }),
    ...(proxyAddress !== undefined && { proxyAddress }),
  }
}

/** Affinity is the Service's own word and wins; only HTTP has a header, a cookie or a query to look at. */
function usablePolicy(
  wanted: BalancePolicy,
  service: ServiceView,
  port: ServicePortView,
  problems: string[],
): BalancePolicy {
  if (typeof wanted === 'string') return wanted
  const where = `Service ${service.namespace}/${service.name} port ${port.port}`
  if (service.affinitySeconds !== undefined) {
    problems.push(`${where}: sessionAffinity ClientIP wins over the consistentHash of its rule`)
    return 'round-robin'
  }
  if (wanted.kind === 'source-address' || isHttp(port)) return wanted
  problems.push(
    `${where}: consistentHash by ${wanted.kind} needs a port that is HTTP by appProtocol or name; balanced in turn`,
  )
  return 'round-robin'
}

/** IPv4 endpoints; all of them ready where the Service asks for addresses that are not. */
function usableEndpoints(service: ServiceView, port: ServicePortView): readonly PortEndpoint[] {
  const usable = port.endpoints.filter(({ address, port: to }) => isIPv4(address) && isPort(to))
  if (!service.publishNotReadyAddresses) return usable
  return usable.map((endpoint) => ({ ...endpoint, ready: true }))
}

/** Each address once, in an order that does not change with the order of slices: fewer rules to rewrite. */
function destinations(endpoints: readonly Destination[]): readonly Destination[] {
  const unique = new Map(
    endpoints.map(({ address, port }) => [`${address}:${port}`, { address, port }]),
  )
  return [...unique.keys()].sort().map((key) => unique.get(key) as Destination)
}

function freeNodePort(
  port: ServicePortView,
  protocol: string,
  label: string,
  context: PlanContext,
  problems: string[],
): number | undefined {
  const { nodePort } = port
  if (nodePort === undefined || nodePort === 0) return undefined
  if (!isPort(nodePort)) return undefined
  if (!context.busyPorts.has(`${protocol}/${nodePort}`)) return nodePort
  problems.push(
    `${label}: nodePort ${nodePort}/${protocol} is not served: a program on this node listens there already (ss -lnp)`,
  )
  return undefined
}

/** Where the Kubernetes API itself is: the endpoints of its Service. */
function apiServers(services: readonly ServiceView[]): readonly string[] {
  return services
    .filter(({ namespace, name }) => namespace === 'default' && name === 'kubernetes')
    .flatMap(({ ports }) => ports.flatMap(({ endpoints }) => endpoints))
    .map(({ address }) => address)
}

/**
 * externalIPs must not take traffic away from the node, from DNS, from the API or from other Services (CVE-2020-8554).
 */
function allowedExternalIps(
  service: ServiceView,
  forbidden: ReadonlySet<string>,
  context: PlanContext,
  problems: string[],
): readonly string[] {
  return service.externalIps.filter((address) => {
    if (!isIPv4(address)) return false
    const taken =
      forbidden.has(address) || address.startsWith('127.') || context.ownAddresses.has(address)
    if (taken) {
      problems.push(
        `Service ${service.namespace}/${service.name}: external address ${address} belongs to this node, to DNS or to another Service; ignored`,
      )
    }
    return !taken
  })
}

function localEndpoints(
  services: readonly ServiceView[],
  context: PlanContext,
): Pick<TrafficPlan, 'localPods' | 'hairpins'> {
  const localPods = new Set<string>()
  const hairpins = new Set<string>()
  for (const { ports } of services) {
    for (const { endpoints } of ports) {
      for (const { address, nodeName } of endpoints) {
        if (!isIPv4(address) || context.ownAddresses.has(address)) continue
        if (nodeName === context.node.name) localPods.add(address)
        if (nodeName === context.node.name || nodeName === undefined) hairpins.add(address)
      }
    }
  }
  return { localPods: [...localPods], hairpins: [...hairpins] }
}

function isPort(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 65_535
}
