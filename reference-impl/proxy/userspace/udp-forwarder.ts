/** Datagrams to one UDP port of a Service: one socket to an endpoint for each client, for as long as they talk. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import type { Destination } from '../plan.ts'
import type { Chooser } from './chooser.ts'

/** RFC 4787 REQ-5: a mapping lives for at least 2 minutes after the last datagram. */
const idleMs = 180_000

/** Flows of one port at the same time; beyond it the longest silent one ends. */
const maxFlows = 8192

interface Flow {
  readonly socket: Socket
  readonly destination: Destination
  readonly waiting: Buffer[]
  isConnected: boolean
  lastUsedMs: number
}

export interface UdpForwarderInit {
  readonly address: string
  readonly port: number
  readonly chooser: Chooser
  readonly onConnection: () => void
  readonly onProblem: (message: string) => void
}

export class UdpForwarder {
  readonly #init: UdpForwarderInit
  readonly #socket: Socket
  readonly #flows = new Map<string, Flow>()

  constructor(init: UdpForwarderInit) {
    this.#init = init
    this.#socket = createSocket({ type: 'udp4', reuseAddr: false })
    this.#socket.on('error', (error) => init.onProblem(error.message))
    this.#socket.on('message', (bytes, client) => this.#take(bytes, client))
    this.#socket.bind({ address: init.address, port: init.port, exclusive: true })
  }

  get openFlows(): number {
    return this.#flows.size
  }

  /** Ends flows to endpoints that are no longer listed: the client's next datagram goes to another. */
  follow(): void {
    for (const [client, flow] of this.#flows)
      if (!this.#init.chooser.has(flow.destination)) this.#end(client, flow)
  }

  sweep(nowMs: number): void {
    for (const [client, flow] of this.#flows)
      if (nowMs - flow.lastUsedMs > idleMs) this.#end(client, flow)
  }

  close(): void {
    for (const [client, flow] of this.#flows) this.#end(client, flow)
    this.#socket.close()
  }

  #take(bytes: Buffer, client: RemoteInfo): void {
    const key = `${client.address}:${client.port}`
    const flow = this.#flows.get(key) ?? this.#begin(key, client)
    if (flow === undefined) return
    flow.lastUsedMs = performance.now()
    if (flow.isConnected) flow.socket.send(bytes)
    else flow.waiting.push(bytes)
  }

  #begin(key: string, client: RemoteInfo): Flow | undefined {
    const nowMs = performance.now()
    const destination = this.#init.chooser.choose(client.address, new Set(), nowMs)
    if (destination === undefined) return undefined
    this.#init.onConnection()
    if (this.#flows.size >= maxFlows) this.#endLongestSilent()
    const socket = createSocket('udp4')
    const flow: Flow = { socket, destination, waiting: [], isConnected: false, lastUsedMs: nowMs }
    this.#flows.set(key, flow)
    socket.on('message', (answer) => {
      flow.lastUsedMs = performance.now()
      this.#socket.send(answer, client.port, client.address)
    })
    // why: a refused datagram (ICMP) is no reason to end the flow: the endpoint may be starting
    socket.on('error', () => undefined)
    socket.connect(destination.port, destination.address, (error?: Error) => {
      if (error !== undefined || this.#flows.get(key) !== flow) return
      flow.isConnected = true
      for (const bytes of flow.waiting.splice(0)) socket.send(bytes)
    })
    return flow
  }

  #endLongestSilent(): void {
    let oldest: readonly [string, Flow] | undefined
    for (const entry of this.#flows)
      if (oldest === undefined || entry[1].lastUsedMs < oldest[1].lastUsedMs) oldest = entry
    if (oldest !== undefined) this.#end(...oldest)
  }

  #end(client: string, { socket }: Flow): void {
    this.#flows.delete(client)
    socket.close()
  }
}
