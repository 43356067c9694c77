import { connect, isIPv4 } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { PortEndpoint, ServicePortView, ServiceView, Snapshot } from './kube/snapshot.ts'
import { messageOf, type Log } from './log.ts'

export interface LocalEndpointsInit {
  /** Whether nobody tells of changes of endpoints now. */
  readonly isOffline: () => boolean
  /** Given the last snapshot anew when it has lost or regained endpoints. */
  readonly onChange: (snapshot: Snapshot) => void
  readonly log: Log
  readonly timing?: Partial<LookTiming>
}

export interface LookTiming {
  /** Pause between two looks. */
  readonly everyMs: number
  /** How long a connection to a pod of this node may take. */
  readonly connectMs: number
  /** One that failed is tried once more after this pause: a pod may be busy, or just start again. */
  readonly againMs: number
}

/** A dead endpoint is out of the rules within 4 s, within 2 s when it refuses. */
const defaultTiming: LookTiming = { everyMs: 1_000, connectMs: 1_000, againMs: 500 }

/** Connections at the same time. */
const atOnce = 32

/**
 * Endpoints on this node while the API is away: then nobody tells of their end, and the kernel goes on sending a share of
 * all connections to what refuses them. Their TCP ports are tried; one that does not take a connection is left out as long
 * as others are there, until it does, or the API is heard again. While the API is there nothing is tried.
 */
export class LocalEndpoints {
  readonly #init: LocalEndpointsInit
  readonly #timing: LookTiming
  readonly #stop = new AbortController()
  #snapshot: Snapshot | undefined
  /** `address:port` */
  #dead: ReadonlySet<string> = new Set()
  #running: Promise<void> = Promise.resolve()

  constructor(init: LocalEndpointsInit) {
    this.#init = init
    this.#timing = { ...defaultTiming, ...init.timing }
  }

  start(): void {
    this.#running = this.#watch()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  /** The snapshot without the endpoints that are known to be dead. */
  follow(snapshot: Snapshot): Snapshot {
    this.#snapshot = snapshot
    return withoutDead(snapshot, this.#dead)
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        await delay(this.#timing.everyMs, undefined, { signal, ref: false })
        await this.#look()
      } catch (error) {
        if (!signal.aborted)
          this.#init.log.warn('endpoints of this node could not be tried', {
            error: messageOf(error),
          })
      }
    }
  }

  async #look(): Promise<void> {
    const snapshot = this.#snapshot
    if (snapshot === undefined) return
    const dead = this.#init.isOffline() ? await this.#deadAmong(triable(snapshot)) : []
    const isSame = dead.length === this.#dead.size && dead.every((one) => this.#dead.has(one))
    if (isSame || this.#stop.signal.aborted) return
    this.#init.log.info('endpoints of this node that take no connection while the API is away', {
      endpoints: dead,
    })
    this.#dead = new Set(dead)
    this.#init.onChange(withoutDead(this.#snapshot ?? snapshot, this.#dead))
  }

  async #deadAmong(places: readonly Place[]): Promise<readonly string[]> {
    const left = [...places]
    const dead: string[] = []
    const worker = async (): Promise<void> => {
      for (let place = left.shift(); place !== undefined; place = left.shift())
        if (!(await this.#isAlive(place))) dead.push(nameOf(place))
    }
    await Promise.all(Array.from({ length: atOnce }, worker))
    return dead
  }

  async #isAlive(place: Place): Promise<boolean> {
    const { connectMs, againMs } = this.#timing
    if (await takesConnection(place, connectMs)) return true
    // why: one that is known to be dead has to be quick to come back, not to be dead again
    if (this.#dead.has(nameOf(place))) return false
    await delay(againMs, undefined, { signal: this.#stop.signal })
    return takesConnection(place, connectMs)
  }
}

type Place = Pick<PortEndpoint, 'address' | 'port'>

function nameOf({ address, port }: Place): string {
  return `${address}:${port}`
}

/** TCP endpoints on this node that others could stand in for, each once. */
function triable({ services, node }: Snapshot): readonly Place[] {
  const places = new Map<string, Place>()
  for (const { ports } of services.values())
    for (const { protocol, endpoints } of ports) {
      const ready = endpoints.filter(({ ready }) => ready)
      if (protocol !== 'TCP' || ready.length < 2) continue
      for (const one of ready)
        if (one.nodeName === node.name && isIPv4(one.address)) places.set(nameOf(one), one)
    }
  return [...places.values()]
}

function withoutDead(snapshot: Snapshot, dead: ReadonlySet<string>): Snapshot {
  if (dead.size === 0) return snapshot
  const services = new Map<string, ServiceView>()
  for (const [key, service] of snapshot.services) {
    const ports = service.ports.map((port) => lessDead(port, dead))
    const isSame = ports.every((port, index) => port === service.ports[index])
    services.set(key, isSame ? service : { ...service, ports })
  }
  return { ...snapshot, services }
}

/** What stands in has to be ready; when all are dead, they stay: to refuse is what they would do anyway. */
function lessDead(port: ServicePortView, dead: ReadonlySet<string>): ServicePortView {
  const alive = port.endpoints.filter((endpoint) => !dead.has(nameOf(endpoint)))
  const isLess = alive.length < port.endpoints.length
  return port.protocol === 'TCP' && isLess && alive.some(({ ready }) => ready)
    ? { ...port, endpoints: alive }
    : port
}

function takesConnection({ address, port }: Place, withinMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port })
    const end = (is: boolean): void => {
      clearTimeout(late)
      socket.destroy()
      resolve(is)
    }
    const late = setTimeout(() => end(false), withinMs)
    socket.once('connect', () => end(true)).once('error', () => end(false))
  })
}
