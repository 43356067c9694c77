/**
 * The traffic path for hosts without nftables: every ClusterIP is an address of this node, and this process listens there.
 * A Service without endpoints has no listener, so the kernel refuses. What the kernel's rules can do and this cannot is
 * told in ../README.md.
 */
import type { Socket } from 'node:net'
import type { DataPlane, DataPlaneInit, TrafficCounters } from '../../data-plane.ts'
import type { Snapshot } from '../../kube/snapshot.ts'
import { HealthChecks } from '../health-checks.ts'
import { HttpProxy } from '../l7/http-proxy.ts'
import { ownAddresses } from '../netfilter/node-facts.ts'
import { portsOf, type Destination, type PortPlan, type TrafficPlan } from '../plan.ts'
import { planTraffic } from '../planner.ts'
import { httpPorts, responseClasses } from '../http-ports.ts'
import { Chooser } from './chooser.ts'
import { ServiceAddresses } from './service-addresses.ts'
import { TcpForwarder } from './tcp-forwarder.ts'
import { UdpForwarder } from './udp-forwarder.ts'

/** How often addresses are looked after, idle flows and old affinities forgotten. */
const sweepMs = 10_000

interface Listener {
  readonly chooser: Chooser
  readonly forwarder: TcpForwarder | UdpForwarder
}

/** One place to listen at, and what is behind it. */
interface Place {
  readonly protocol: 'tcp' | 'udp'
  readonly address: string
  readonly port: number
  readonly plan: PortPlan
  readonly destinations: readonly Destination[]
}

export class UserspacePath implements DataPlane {
  readonly #init: DataPlaneInit
  readonly #addresses = new ServiceAddresses()
  readonly #listeners = new Map<string, Listener>()
  /** Forwarders that listen no more and still have connections. */
  readonly #ending = new Set<TcpForwarder>()
  readonly #http = new HttpProxy()
  readonly #healthChecks: HealthChecks
  #timer: NodeJS.Timeout | undefined
  #connections = 0
  #said = new Set<string>()
  #failed = new Set<string>()
  #places: ReadonlyMap<string, Place> = new Map()
  #sweeping: Promise<void> = Promise.resolve()

  constructor(init: DataPlaneInit) {
    this.#init = init
    this.#healthChecks = new HealthChecks({
      info: (message, facts) => init.log('info', message, facts),
      warn: (message, facts) => init.log('warn', message, facts),
    })
  }

  async apply(snapshot: Snapshot): Promise<void> {
    const { node, services, destinationRules } = snapshot
    const own = [...ownAddresses()].filter((address) => !this.#addresses.has(address))
    const { plan, problems, healthChecks } = planTraffic(services.values(), {
      node,
      ownAddresses: new Set(own),
      reservedAddresses: new Set([...node.addresses, this.#init.dnsAddress]),
      busyPorts: new Set(),
      destinationRules,
      clusterDomain: this.#init.clusterDomain,
      serviceFilter: this.#init.serviceFilter,
      proxyAddress: (id) => id,
    })
    this.#tell(problems)
    const places = placesOf(plan)
    const wanted = new Set([
      ...plan.services.flatMap(({ clusterIps }) => clusterIps),
      ...portsOf(plan).flatMap(({ externalIps }) => externalIps),
    ])
    await this.#addresses.add(wanted)
    this.#http.update(httpPorts(plan))
    this.#places = places
    this.#listen(places)
    await this.#addresses.retain(wanted)
    this.#healthChecks.follow(healthChecks)
    this.#timer ??= setInterval(() => {
      this.#sweeping = this.#sweeping.then(() => this.#sweep())
    }, sweepMs).unref()
  }

  counters(): Promise<TrafficCounters> {
    const { requests, responses } = this.#http.totals()
    return Promise.resolve({
      l4Connections: this.#connections,
      l7Requests: requests,
      l7Responses: responseClasses(responses),
    })
  }

  async drain(signal: AbortSignal): Promise<void> {
    clearInterval(this.#timer)
    this.#healthChecks.close()
    for (const [key, listener] of this.#listeners) this.#stop(key, listener)
    await this.#http.drain(signal)
    while (!signal.aborted && [...this.#ending].some(({ openConnections }) => openConnections > 0))
      await new Promise((resolve) => setTimeout(resolve, 50))
    for (const forwarder of this.#ending) forwarder.abort()
  }

  async close({ cleanUp }: { readonly cleanUp: boolean }): Promise<void> {
    await this.drain(AbortSignal.abort())
    await this.#sweeping
    if (cleanUp) await this.#addresses.retain(new Set())
  }

  #listen(places: ReadonlyMap<string, Place>): void {
    for (const [key, listener] of this.#listeners)
      if (!places.has(key) || this.#failed.has(key)) this.#stop(key, listener)
    this.#failed.clear()
    for (const [key, place] of places) {
      const { plan, destinations } = place
      const listener = this.#listeners.get(key) ?? this.#start(key, place)
      listener.chooser.update(destinations, plan.policy, plan.affinitySeconds)
      if (listener.forwarder instanceof UdpForwarder) listener.forwarder.follow()
    }
    for (const forwarder of this.#ending)
      if (forwarder.openConnections === 0) this.#ending.delete(forwarder)
  }

  #start(key: string, { protocol, address, port, plan }: Place): Listener {
    const chooser = new Chooser()
    const id = plan.proxyAddress
    const init = {
      address,
      port,
      chooser,
      onConnection: () => {
        if (id === undefined) this.#connections += 1
      },
      onProblem: (message: string) => {
        // why: the next change, or the next sweep, tries again; the program that has the port may be gone by then
        this.#failed.add(key)
        this.#tell([...this.#said, `${plan.label}: ${key} cannot be listened on: ${message}`])
      },
      ...(id !== undefined && { accept: (socket: Socket) => this.#http.serve(socket, id) }),
    }
    const forwarder = protocol === 'tcp' ? new TcpForwarder(init) : new UdpForwarder(init)
    const listener = { chooser, forwarder }
    this.#listeners.set(key, listener)
    return listener
  }

  #stop(key: string, { forwarder }: Listener): void {
    this.#listeners.delete(key)
    if (forwarder instanceof UdpForwarder) {
      forwarder.close()
      return
    }
    forwarder.stopListening()
    this.#ending.add(forwarder)
  }

  async #sweep(): Promise<void> {
    const nowMs = performance.now()
    for (const { chooser, forwarder } of this.#listeners.values()) {
      chooser.sweep(nowMs)
      if (forwarder instanceof UdpForwarder) forwarder.sweep(nowMs)
    }
    if (this.#failed.size > 0) this.#listen(this.#places)
    try {
      const repaired = await this.#addresses.repair()
      if (repaired > 0)
        this.#init.log('warn', 'addresses of Services had been taken off, they are back', {
          repaired,
        })
    } catch (error) {
      this.#tell([...this.#said, `the addresses could not be checked: ${String(error)}`])
    }
  }

  /** Says each problem once, and again when it has come back. */
  #tell(problems: readonly string[]): void {
    for (const problem of problems) if (!this.#said.has(problem)) this.#init.log('warn', problem)
    this.#said = new Set(problems)
  }
}

/** Where to listen, by `protocol/address:port`. Ports without endpoints are left to the kernel, which refuses them. */
function placesOf(traffic: TrafficPlan): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>()
  for (const plan of portsOf(traffic)) {
    const { protocol, destinations, externalDestinations = destinations, nodePort } = plan
    if (protocol === 'sctp') continue
    const add = (address: string, port: number, behind: readonly Destination[]): void => {
      // why: an HTTP port without endpoints is answered by the proxy, with 503
      if (behind.length === 0 && plan.proxyAddress === undefined) return
      places.set(`${protocol}/${address}:${port}`, {
        protocol,
        address,
        port,
        plan,
        destinations: behind,
      })
    }
    for (const address of plan.clusterIps) add(address, plan.port, destinations)
    for (const address of plan.externalIps) add(address, plan.port, externalDestinations)
    if (nodePort !== undefined) add('0.0.0.0', nodePort, externalDestinations)
  }
  return places
}
