/** Connections to one TCP port of a Service, byte by byte to an endpoint and back. */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { reset } from '../l7/reset.ts'
import type { Destination } from '../plan.ts'
import { type Chooser, keyOf } from './chooser.ts'

/** How long one endpoint may take to accept; then the next is tried. */
const connectMs = 5_000

export interface TcpForwarderInit {
  readonly address: string
  readonly port: number
  readonly chooser: Chooser
  /** Takes the connection over, where something else than bytes is to be done with it (HTTP). */
  readonly accept?: (socket: Socket) => void
  readonly onConnection: () => void
  readonly onProblem: (message: string) => void
}

export class TcpForwarder {
  readonly #init: TcpForwarderInit
  readonly #server: Server
  readonly #open = new Set<Socket>()

  constructor(init: TcpForwarderInit) {
    this.#init = init
    this.#server = createServer(
      { allowHalfOpen: true, noDelay: true, pauseOnConnect: true },
      (socket) => this.#take(socket),
    )
    // why: EMFILE and the like fail one accept, an address in use one port, never the agent
    this.#server.on('error', (error) => init.onProblem(error.message))
    this.#server.listen({ host: init.address, port: init.port, backlog: 4096 })
  }

  /** Takes no new connection; those that are open go on. */
  stopListening(): void {
    this.#server.close()
  }

  get openConnections(): number {
    return this.#open.size
  }

  abort(): void {
    for (const socket of this.#open) reset(socket)
  }

  #take(client: Socket): void {
    this.#init.onConnection()
    const { accept } = this.#init
    if (accept === undefined) this.#forward(client, new Set())
    else accept(client)
  }

  #forward(client: Socket, tried: Set<string>): void {
    const { chooser } = this.#init
    const endpoint = chooser.choose(client.remoteAddress ?? '', tried, performance.now())
    client.on('error', () => undefined)
    if (endpoint === undefined) {
      reset(client)
      return
    }
    tried.add(keyOf(endpoint))
    const upstream = this.#dial(endpoint)
    const again = (): void => {
      clearTimeout(timer)
      upstream.destroy()
      client.off('close', giveUp)
      if (!client.destroyed) this.#forward(client, tried)
    }
    const giveUp = (): void => {
      clearTimeout(timer)
      upstream.destroy()
    }
    const timer = setTimeout(again, connectMs)
    client.once('close', giveUp)
    upstream.once('error', again)
    upstream.once('connect', () => {
      clearTimeout(timer)
      client.off('close', giveUp)
      upstream.off('error', again)
      this.#join(client, upstream)
      this.#join(upstream, client)
    })
  }

  #dial({ address, port }: Destination): Socket {
    return connect({ host: address, port, allowHalfOpen: true, noDelay: true })
  }

  /** What comes from one goes to the other; its FIN as a FIN, its RST as a RST. */
  #join(from: Socket, to: Socket): void {
    this.#open.add(from)
    from.on('error', () => reset(to))
    from.on('close', (hadError) => {
      this.#open.delete(from)
      if (hadError) reset(to)
    })
    from.pipe(to)
  }
}
