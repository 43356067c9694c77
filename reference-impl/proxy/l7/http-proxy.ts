/**
 * The HTTP path: one listener for all HTTP ports of all Services. The kernel sends each such port to a local address
 * of its own, so the address a connection arrives at names the Service port.
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { BalancePolicy } from '../../kube/snapshot.ts'
import { CoarseClock } from './clock.ts'
import { Downstream } from './downstream.ts'
import { Endpoint } from './endpoint.ts'
import type { ProxyState } from './proxy-state.ts'
import { addCounters, emptyCounters, Route, type RouteCounters } from './route.ts'
import { withSharedReads } from './shared-reads.ts'
import { defaultHttpSettings, type HttpSettings } from './settings.ts'

/** An HTTP port of a Service as the proxy has to serve it. */
export interface HttpPort {
  /** Local address that the kernel sends this port to; in userspace, where nobody does, any name. */
  readonly localAddress: string
  /** `namespace/name:port` */
  readonly name: string
  /** Host for requests that name none. */
  readonly authority: string
  readonly policy: BalancePolicy
  /** ClientIP affinity in seconds. */
  readonly affinitySeconds?: number
  readonly endpoints: readonly { readonly address: string; readonly port: number }[]
}

const sweepIntervalMs = 500

/** So many of the oldest connections are looked at for an idle one. */
const idleSearch = 64

export class HttpProxy {
  readonly #server: Server
  readonly #routes = new Map<string, Route>()
  readonly #endpoints = new Map<string, Endpoint>()
  readonly #state: ProxyState
  readonly #connections = new Set<Downstream>()
  #sweeper: NodeJS.Timeout | undefined
  readonly #gone = emptyCounters()
  #port = 0

  constructor(settings: Partial<HttpSettings> = {}) {
    this.#state = {
      clock: new CoarseClock(),
      settings: { ...defaultHttpSettings, ...settings },
      draining: false,
      inputBytes: 0,
    }
    this.#server = createServer(
      { allowHalfOpen: true, noDelay: true, pauseOnConnect: true },
      (socket) => this.serve(socket, socket.localAddress ?? ''),
    )
  }

  /** TCP port of the listener, the same on every local address. */
  get port(): number {
    return this.#port
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  get routes(): ReadonlyMap<string, Route> {
    return this.#routes
  }

  /** Listens on all local addresses; the netfilter part closes the port for every way in but its own. */
  async listen(host = '0.0.0.0', port = 0): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port, backlog: 4096 }, () => {
        this.#server.off('error', reject)
        // why: EMFILE and the like fail one accept, never the agent
        this.#server.on('error', () => undefined)
        resolve()
      })
    })
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** Replaces the served ports. Open connections to ports that stay go on with the new endpoints. */
  update(ports: readonly HttpPort[]): void {
    const wanted = new Set<string>()
    const inUse = new Set<string>()
    for (const port of ports) {
      wanted.add(port.localAddress)
      let route = this.#routes.get(port.localAddress)
      if (route?.name !== port.name) {
        if (route !== undefined) this.#retire(route)
        route = new Route(port.name, port.authority)
        this.#routes.set(port.localAddress, route)
      }
      route.policy = port.policy
      route.affinitySeconds = port.affinitySeconds ?? 0
      route.endpoints = port.endpoints.map(({ address, port: number }) => {
        const key = `${address}:${number}`
        inUse.add(key)
        return this.#endpoint(key, address, number)
      })
    }
    for (const [address, route] of this.#routes) {
      if (wanted.has(address)) continue
      this.#retire(route)
      this.#routes.delete(address)
    }
    for (const [key, endpoint] of this.#endpoints) {
      if (inUse.has(key)) continue
      endpoint.retire()
      this.#endpoints.delete(key)
    }
  }

  /** Sums over all ports since start, those that are gone included (as far as they had got then). */
  totals(): RouteCounters {
    const sum = emptyCounters()
    addCounters(sum, this.#gone)
    for (const route of this.#routes.values()) addCounters(sum, route.counters)
    return sum
  }

  /** Takes no new connection, finishes what is being answered, cuts the rest when `signal` is aborted. */
  async drain(signal: AbortSignal): Promise<void> {
    this.#state.draining = true
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const connection of this.#connections) connection.drain()
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      else signal.addEventListener('abort', () => resolve(), { once: true })
    })
    await Promise.race([closed, aborted])
    for (const connection of this.#connections) connection.abort()
    for (const endpoint of this.#endpoints.values()) endpoint.retire()
    clearInterval(this.#sweeper)
  }

  #retire(route: Route): void {
    route.endpoints = []
    addCounters(this.#gone, route.counters)
  }

  #endpoint(key: string, address: string, port: number): Endpoint {
    let endpoint = this.#endpoints.get(key)
    if (endpoint === undefined) {
      endpoint = new Endpoint(address, port)
      this.#endpoints.set(key, endpoint)
    }
    return endpoint
  }

  /** Serves a connection of the port at this local address; one that nobody has is reset. */
  serve(socket: Socket, localAddress: string): void {
    const route = this.#routes.get(localAddress)
    if (route === undefined) {
      socket.on('error', () => undefined)
      socket.resetAndDestroy()
      return
    }
    if (!this.#makeRoom()) {
      socket.on('error', () => undefined)
      socket.resetAndDestroy()
      return
    }
    this.#sweeper ??= setInterval(() => this.#sweep(), sweepIntervalMs).unref()
    const reader = { receive: (_bytes: Buffer): void => undefined }
    const client = withSharedReads(socket, (bytes) => reader.receive(bytes))
    const connection = new Downstream(client, route, this.#state, (closed) =>
      this.#connections.delete(closed),
    )
    reader.receive = (bytes) => connection.receive(bytes)
    this.#connections.add(connection)
  }

  /** @returns whether one connection more is within bounds */
  #makeRoom(): boolean {
    if (this.#connections.size < this.#state.settings.maxClientConnections) return true
    let looked = 0
    for (const connection of this.#connections) {
      if (connection.isIdle) {
        connection.abort()
        this.#connections.delete(connection)
        return true
      }
      // why: who fills the table must not make each further connection cost a walk through it
      if ((looked += 1) === idleSearch) return false
    }
    return false
  }

  #sweep(): void {
    const { clock } = this.#state
    clock.tick()
    for (const connection of this.#connections) connection.sweep(clock.nowMs)
    for (const endpoint of this.#endpoints.values()) endpoint.closeExpired(clock.nowMs)
  }
}
