/** The traffic path of one node: kernel rules for Services, the HTTP proxy for HTTP ports, kept in step. */
import type { ServiceFilter } from '../data-plane.ts'
import type { Snapshot } from '../kube/snapshot.ts'
import { BusyPorts } from './busy-ports.ts'
import { HealthChecks } from './health-checks.ts'
import { HttpProxy } from './l7/http-proxy.ts'
import { emptyCounters, type RouteCounters } from './l7/route.ts'
import type { HttpSettings } from './l7/settings.ts'
import {
  addLocalRange,
  AddressPool,
  defaultProxyRange,
  removeLocalRange,
} from './netfilter/local-addresses.ts'
import { type Look, Netfilter, type Log } from './netfilter/netfilter.ts'
import { outsideInterfaces, ownAddresses } from './netfilter/node-facts.ts'
import type { Site } from './netfilter/site.ts'
import { planChange, portsOf, type PortPlan, type TrafficPlan } from './plan.ts'
import { Planner } from './planner.ts'
import { httpPorts, httpPortsOf, type ServiceHttpPort } from './http-ports.ts'
import { Few } from './list-change.ts'
import { Totals } from './totals.ts'

export interface TrafficPathInit {
  /** Addresses that only this node and its pods may use: DNS. */
  readonly protectedAddresses: readonly string[]
  readonly proxyRange?: string
  /** What hosts of DestinationRules may end with; `cluster.local` when absent. */
  readonly clusterDomain?: string
  readonly serviceFilter?: ServiceFilter
  readonly http?: Partial<HttpSettings>
  readonly checkIntervalMs?: number
}

/** What happened to the traffic of one Service port since this process started. */
export interface PortStatistics {
  /** `namespace/name/protocol/port` */
  readonly id: string
  readonly label: string
  readonly path: 'l4' | 'l7'
  /** New connections that the kernel sent on. */
  readonly connections: number
  readonly http?: Readonly<RouteCounters>
}

/** How often the kernel's rules are compared with what they should be. */
const defaultCheckIntervalMs = 10_000

/** Between two looks at the kernel's table lies at least this many times what one takes. */
const lookPauseFactor = 20

/** Looks in a row that a change made void; during the next one changes wait. */
const mostStaleLooks = 3

export class TrafficPath {
  readonly #init: TrafficPathInit
  readonly #log: Log
  readonly #range: string
  readonly #addresses: AddressPool
  #proxy: HttpProxy | undefined
  #netfilter: Netfilter | undefined
  readonly #healthChecks: HealthChecks
  #snapshot: Snapshot | undefined
  readonly #totals = new Totals()
  readonly #proxyAddress = (id: string): string | undefined => this.#addresses.allocate(id)
  readonly #planner = new Planner()
  #plan: TrafficPlan | undefined
  readonly #busyPorts = new BusyPorts()
  readonly #http = new Few(httpPortsOf)
  #httpWanted: readonly ServiceHttpPort[] = []
  #httpInForce: readonly ServiceHttpPort[] = []
  #queue: Promise<unknown> = Promise.resolve()
  #next: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #staleLooks = 0
  #isEnding = false
  #said = new Set<string>()
  #handedOver = false
  #failure: string | undefined

  constructor(init: TrafficPathInit, log: Log) {
    this.#init = init
    this.#log = log
    this.#healthChecks = new HealthChecks(log)
    this.#range = init.proxyRange ?? defaultProxyRange
    this.#addresses = new AddressPool(this.#range)
  }

  /** Opens the HTTP proxy once. Rules that an earlier agent left stay in force until the first change is written. */
  async #start(): Promise<Netfilter> {
    if (this.#netfilter !== undefined) return this.#netfilter
    await addLocalRange(this.#range)
    if (this.#proxy === undefined) {
      const proxy = new HttpProxy(this.#init.http)
      await proxy.listen()
      this.#proxy = proxy
    }
    this.#netfilter = new Netfilter(await this.#site(), this.#log)
    this.#checkAfter(0)
    return this.#netfilter
  }

  /** Why the last change could not be made; undefined when the kernel follows the Services. */
  get failure(): string | undefined {
    return this.#failure
  }

  /**
   * Makes traffic follow `snapshot`. While one change is being written, the newest of those that follow replaces the
   * others. Resolves when this snapshot, or a newer one, is in force. @throws NetfilterError
   */
  async apply(snapshot: Snapshot): Promise<void> {
    this.#snapshot = snapshot
    this.#next ??= this.#enqueue(async () => {
      this.#next = undefined
      await this.#write()
    })
    await this.#next
  }

  /** One entry per Service port. */
  async statistics(): Promise<readonly PortStatistics[]> {
    const connections = await this.#readConnections()
    return portsOf(this.#plan).map((port) => {
      const route = this.#route(port)
      return {
        id: port.id,
        label: port.label,
        path: port.proxyAddress === undefined ? ('l4' as const) : ('l7' as const),
        connections: connections.get(port.id) ?? 0,
        ...(route !== undefined && { http: route.counters }),
      }
    })
  }

  /** Connections that the kernel sent straight to endpoints, since this process started. */
  async kernelConnections(): Promise<number> {
    await this.#readConnections()
    return this.#totals.sum
  }

  /** Everything that happened on the HTTP path, since this process started. */
  get http(): Readonly<RouteCounters> {
    return this.#proxy?.totals() ?? emptyCounters()
  }

  /** Transactions since start. */
  get ruleChanges(): Readonly<Netfilter['counters']> {
    return this.#netfilter?.counters ?? { replaced: 0, changed: 0, repaired: 0 }
  }

  get openHttpConnections(): number {
    return this.#proxy?.connectionCount ?? 0
  }

  /**
   * Stops without taking Services away: HTTP ports are handed to the kernel, requests under way are finished until
   * `signal` is aborted. A restarted agent takes the rules over.
   */
  async drain(signal: AbortSignal): Promise<void> {
    this.#stopChecking()
    this.#healthChecks.close()
    if (!this.#handedOver) {
      this.#handedOver = true
      await this.#enqueue(async () => this.#write()).catch((error: unknown) => {
        this.#log.warn('HTTP ports could not be handed to the kernel', { message: String(error) })
      })
    }
    await this.#proxy?.drain(signal)
  }

  /** Leaves nothing of ours in the kernel. */
  async uninstall(): Promise<void> {
    this.#stopChecking()
    this.#healthChecks.close()
    await this.#enqueue(async () => {
      const netfilter = this.#netfilter ?? new Netfilter(await this.#site(), this.#log)
      await netfilter.remove()
      await removeLocalRange(this.#range)
    })
    await this.#proxy?.drain(AbortSignal.abort())
  }

  async #readConnections(): Promise<ReadonlyMap<string, number>> {
    const netfilter = this.#netfilter
    if (netfilter === undefined) return new Map()
    const reading = await netfilter.connections()
    const proxied = new Set(httpPorts(this.#plan).map(({ id }) => id))
    this.#totals.add(reading, (id) => !proxied.has(id))
    return reading
  }

  async #enqueue(work: () => Promise<void>): Promise<void> {
    const result = this.#queue.then(work)
    this.#queue = result.catch(() => undefined)
    await result
  }

  async #write(): Promise<void> {
    const snapshot = this.#snapshot
    if (snapshot === undefined) return
    const netfilter = await this.#start()
    const { node, services, destinationRules } = snapshot
    const views = [...services.values()]
    const { plan, problems, healthChecks } = this.#planner.plan(views, {
      node,
      ownAddresses: ownAddresses(),
      reservedAddresses: new Set([...node.addresses, ...this.#init.protectedAddresses]),
      busyPorts: await this.#busyPorts.find(views, this.#plan),
      destinationRules,
      clusterDomain: this.#init.clusterDomain,
      serviceFilter: this.#init.serviceFilter,
      proxyAddress: this.#handedOver ? undefined : this.#proxyAddress,
    })
    this.#tell(problems)
    if (this.#http.follow(plan.services)) this.#httpWanted = this.#http.values.flat()
    const [before, after] = [this.#httpInForce, this.#httpWanted]
    if (before !== after) {
      const kept = new Set(after.map(({ localAddress }) => localAddress))
      // why: the kernel must never lead to an address that nobody serves, neither before nor after the switch
      const leaving = before.filter(({ localAddress }) => !kept.has(localAddress))
      this.#proxy?.update([...after, ...leaving])
    }
    const arePortsGone = goneIds(this.#plan, plan).size > 0
    // why: a counter goes with its port; what it counted must not be lost
    if (arePortsGone) await this.#readConnections()
    try {
      await netfilter.apply(plan)
      this.#failure = undefined
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error)
      throw error
    }
    this.#plan = plan
    if (!this.#handedOver) this.#healthChecks.follow(healthChecks)
    if (!this.#handedOver) {
      if (before !== after) this.#proxy?.update(after)
      this.#httpInForce = after
      if (arePortsGone) this.#addresses.retain(new Set(portsOf(plan).map(({ id }) => id)))
    }
  }

  /** @param lookMs - what the last look at the table took: 2 s with 10 000 Services, which is not to be all that the node does */
  #checkAfter(lookMs: number): void {
    const { checkIntervalMs = defaultCheckIntervalMs } = this.#init
    const waitMs = Math.max(checkIntervalMs, lookMs * lookPauseFactor)
    this.#timer = setTimeout(() => {
      void this.#check().then((nextLookMs) => {
        if (!this.#isEnding) this.#checkAfter(nextLookMs)
      })
    }, waitMs)
    this.#timer.unref()
  }

  #stopChecking(): void {
    this.#isEnding = true
    clearTimeout(this.#timer)
  }

  /**
   * Repairs what others broke, follows interfaces that came or went, repeats a change that failed.
   * @returns how long the look at the table took, in milliseconds
   */
  async #check(): Promise<number> {
    let lookMs = 0
    const look = async (): Promise<Look | undefined> => {
      const startedAt = performance.now()
      const seen = await this.#netfilter?.look()
      lookMs = performance.now() - startedAt
      return seen
    }
    try {
      if (this.#failure !== undefined) await this.#enqueue(async () => this.#write())
      const settle = async (): Promise<void> => this.#netfilter?.settle()
      await this.#enqueue(settle)
      // why: no change waits for the look, unless there was one during each of the last
      const early = this.#staleLooks < mostStaleLooks ? await look() : undefined
      await this.#enqueue(async () => {
        if (early === undefined) await settle()
        const isDone = await this.#netfilter?.check(await this.#site(), early ?? (await look()))
        this.#staleLooks = isDone === false ? this.#staleLooks + 1 : 0
      })
    } catch (error) {
      this.#tell([
        `the rules could not be checked: ${error instanceof Error ? error.message : String(error)}`,
      ])
    }
    return lookMs
  }

  async #site(): Promise<Site> {
    return {
      proxyRange: this.#range,
      protectedAddresses: this.#init.protectedAddresses,
      outsideInterfaces: await outsideInterfaces(this.#snapshot?.node.addresses ?? []),
      ...(this.#proxy !== undefined && { proxyPort: this.#proxy.port }),
    }
  }

  #route(port: PortPlan): { readonly counters: RouteCounters } | undefined {
    if (port.proxyAddress === undefined) return undefined
    return this.#proxy?.routes.get(port.proxyAddress)
  }

  /** Says each problem once, and again when it has come back. */
  #tell(problems: readonly string[]): void {
    for (const problem of problems) if (!this.#said.has(problem)) this.#log.warn(problem)
    this.#said = new Set(problems)
  }
}

/** Ports that are no more. */
function goneIds(before: TrafficPlan | undefined, after: TrafficPlan): ReadonlySet<string> {
  const { gone, added } = planChange(before, after)
  const ids = new Set(portsOf({ services: gone }).map(({ id }) => id))
  for (const { id } of portsOf({ services: added })) ids.delete(id)
  return ids
}
