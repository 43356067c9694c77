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
import { listChange } from './list-change.ts'
import type { Destination, HealthCheck, PortPlan, ServicePlan, TrafficPlan } from './plan.ts'

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
  return new Planner().plan([...services], context)
}

/** What became of one Service, until its view is another object or the context changes. */
interface Known {
  readonly isServed: boolean
  readonly planned?: ServicePlan
  /** What the plan depends on besides the view and the context's basis; absent: it is not the last word. */
  readonly outside?: string
  readonly healthChecks: readonly HealthCheck[]
  readonly problems: readonly string[]
}

/** Plans again and again: what did not change is not looked into, and its plan is the very object of before. */
export class Planner {
  #basis: PlanContext | undefined
  #rules = new RuleBook([], '', [])
  #ruleProblems: readonly string[] = []
  #views: readonly ServiceView[] = []
  /** By position in `#views`. */
  #plans: readonly (ServicePlan | undefined)[] = []
  readonly #known = new Map<ServiceView, Known>()
  readonly #clusterIps = new Map<string, number>()
  /** The Service of the Kubernetes API. */
  readonly #apis = new Set<ServiceView>()
  /** Services whose plan depends on others. */
  readonly #dependent = new Set<ServiceView>()
  /** Services that have something to tell. */
  readonly #telling = new Set<ServiceView>()

  plan(views: readonly ServiceView[], context: PlanContext): Planned {
    this.#rebase(context)
    const plans = new Array<ServicePlan | undefined>(views.length)
    const { gone, added } = listChange(this.#views, views, (from, to) => {
      plans[to] = this.#plans[from]
    })
    for (const view of gone) this.#drop(view)
    for (const view of added) this.#admit(view, context)
    const isForbidden = this.#forbidden(context)
    const problems = [...this.#ruleProblems]
    problems.push(...this.#rules.misleading(this.#served(views)))
    const planned = (view: ServiceView): ServicePlan | undefined =>
      this.#plan(view, isForbidden, context, problems)
    for (const view of added) if (!this.#dependent.has(view)) planned(view)
    for (const view of this.#dependent) {
      const before = this.#known.get(view)?.planned
      const now = planned(view)
      if (!added.has(view) && now !== before) plans[views.indexOf(view)] = now
    }
    for (let at = 0; at < views.length; at += 1)
      if (!(at in plans)) plans[at] = this.#known.get(views[at] as ServiceView)?.planned
    this.#views = views
    this.#plans = plans
    const told = [...this.#telling].flatMap((view) => this.#known.get(view) ?? [])
    return {
      plan: { services: plans.filter((one) => one !== undefined) },
      healthChecks: told.flatMap(({ healthChecks }) => healthChecks),
      problems: [...problems, ...told.flatMap((known) => known.problems)],
    }
  }

  #admit(view: ServiceView, { serviceFilter }: PlanContext): void {
    const problems: string[] = []
    const served = isServed(view, serviceFilter, problems)
    this.#know(view, { isServed: served, healthChecks: [], problems })
    if (!served) return
    for (const address of view.clusterIps)
      this.#clusterIps.set(address, (this.#clusterIps.get(address) ?? 0) + 1)
    const { namespace, name, externalIps, ports } = view
    if (namespace === 'default' && name === 'kubernetes') this.#apis.add(view)
    if (externalIps.length > 0 || ports.some(({ nodePort }) => nodePort !== undefined))
      this.#dependent.add(view)
  }

  #drop(view: ServiceView): void {
    const known = this.#known.get(view)
    this.#known.delete(view)
    this.#apis.delete(view)
    this.#dependent.delete(view)
    this.#telling.delete(view)
    if (known?.isServed !== true) return
    for (const address of view.clusterIps) {
      const left = (this.#clusterIps.get(address) ?? 0) - 1
      if (left > 0) this.#clusterIps.set(address, left)
      else this.#clusterIps.delete(address)
    }
  }

  #know(view: ServiceView, known: Known): void {
    this.#known.set(view, known)
    if (known.healthChecks.length > 0 || known.problems.length > 0) this.#telling.add(view)
    else this.#telling.delete(view)
  }

  /** @param problems - gets those of external addresses, which other Services decide about */
  #plan(
    service: ServiceView,
    isForbidden: (address: string) => boolean,
    context: PlanContext,
    problems: string[],
  ): ServicePlan | undefined {
    const known = this.#known.get(service)
    if (known?.isServed !== true) return undefined
    const externalIps = allowedExternalIps(service, isForbidden, context, problems)
    const busy = service.ports.filter(({ protocol, nodePort }) =>
      context.busyPorts.has(`${protocol.toLowerCase()}/${nodePort ?? 0}`),
    )
    const outside = [...externalIps, ...busy.map(({ nodePort }) => nodePort)].join()
    if (known.outside === outside) return known.planned
    const own: string[] = []
    const { planned, isComplete } = planService(service, externalIps, this.#rules, context, own)
    if (!isComplete) this.#dependent.add(service)
    const healthChecks = healthCheck(service, context)
    const found = { isServed: true, planned, healthChecks, problems: own }
    this.#know(service, { ...found, ...(isComplete && { outside }) })
    return planned
  }

  /** What no Service may take over as an external address: DNS, the node itself, ClusterIPs, the API server. */
  #forbidden({ reservedAddresses }: PlanContext): (address: string) => boolean {
    const api = new Set([...this.#apis].flatMap(apiServers))
    return (address) =>
      reservedAddresses.has(address) || this.#clusterIps.has(address) || api.has(address)
  }

  *#served(views: readonly ServiceView[]): Iterable<ServiceView> {
    for (const view of views) if (this.#known.get(view)?.isServed === true) yield view
  }

  #rebase(context: PlanContext): void {
    const basis = this.#basis
    this.#basis = context
    if (basis !== undefined && isSameBasis(basis, context)) return
    const problems: string[] = []
    this.#views = []
    this.#plans = []
    for (const all of [this.#known, this.#clusterIps, this.#apis, this.#dependent, this.#telling])
      all.clear()
    this.#rules = new RuleBook(
      context.destinationRules ?? [],
      context.clusterDomain ?? 'cluster.local',
      problems,
    )
    this.#ruleProblems = problems
  }
}

function isSameBasis(one: PlanContext, other: PlanContext): boolean {
  const { destinationRules: rules = [] } = one
  const { destinationRules: otherRules = [] } = other
  return (
    one.node === other.node &&
    one.proxyAddress === other.proxyAddress &&
    one.clusterDomain === other.clusterDomain &&
    one.serviceFilter === other.serviceFilter &&
    [...one.ownAddresses].join() === [...other.ownAddresses].join() &&
    rules.length === otherRules.length &&
    rules.every((rule, i) => rule === otherRules[i])
  )
}

/** `isComplete`: false while an HTTP port waits for a local address. */
function planService(
  service: ServiceView,
  externalIps: readonly string[],
  rules: RuleBook,
  context: PlanContext,
  problems: string[],
): { readonly planned: ServicePlan; readonly isComplete: boolean } {
  const ports = new Map<string, PortPlan>()
  let isComplete = true
  for (const port of service.ports) {
    const planned = planPort(service, port, { externalIps, rules }, context, problems)
    if (planned === undefined || ports.has(planned.id)) continue
    ports.set(planned.id, planned)
    const waits = isHttp(port) && planned.proxyAddress === undefined
    if (waits && context.proxyAddress !== undefined) isComplete = false
  }
  const planned = {
    ports: [...ports.values()],
    clusterIps: service.clusterIps.filter((address) => isIPv4(address)),
    ...localEndpoints(service, context),
  }
  return { planned, isComplete }
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
function apiServers({ ports }: ServiceView): readonly string[] {
  return ports.flatMap(({ endpoints }) => endpoints.map(({ address }) => address))
}

/**
 * externalIPs must not take traffic away from the node, from DNS, from the API or from other Services (CVE-2020-8554).
 */
function allowedExternalIps(
  service: ServiceView,
  isForbidden: (address: string) => boolean,
  context: PlanContext,
  problems: string[],
): readonly string[] {
  return service.externalIps.filter((address) => {
    if (!isIPv4(address)) return false
    const taken =
      isForbidden(address) || address.startsWith('127.') || context.ownAddresses.has(address)
    if (taken) {
      problems.push(
        `Service ${service.namespace}/${service.name}: external address ${address} belongs to this node, to DNS or to another Service; ignored`,
      )
    }
    return !taken
  })
}

function localEndpoints(
  { ports }: ServiceView,
  context: PlanContext,
): Pick<ServicePlan, 'localPods' | 'hairpins'> {
  const localPods = new Set<string>()
  const hairpins = new Set<string>()
  for (const { endpoints } of ports) {
    for (const { address, nodeName } of endpoints) {
      if (!isIPv4(address) || context.ownAddresses.has(address)) continue
      if (nodeName === context.node.name) localPods.add(address)
      if (nodeName === context.node.name || nodeName === undefined) hairpins.add(address)
    }
  }
  return { localPods: [...localPods], hairpins: [...hairpins] }
}

function isPort(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 65_535
}
