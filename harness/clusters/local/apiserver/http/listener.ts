import { rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { Server } from 'node:https'
import type { Socket } from 'node:net'
import type { Side } from '../faults/fault-board.ts'
import { refuseUpgrade } from '../subresources/refuse-upgrade.ts'
import { sendFailure, toApiError } from './answer.ts'
import { route, routeUpgrade } from './router.ts'
import type { Routes } from './router.ts'

/** Idle connections stay this long, so that clients that ask now and then need no new handshake. */
const keepAliveTimeoutMs = 120_000
/** A client that sends its request slower than this is cut off. */
const requestTimeoutMs = 60_000

export interface ListenerInit {
  readonly routes: Routes
  readonly key: string
  readonly certificate: string
  readonly side: Side
  readonly log: (line: string) => void
}

/** One address at which the API is served. It can be closed and opened again on the same address. */
export class Listener {
  readonly #init: ListenerInit
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #address: ListenAddress

  constructor(init: ListenerInit, address: ListenAddress) {
    this.#init = init
    this.#address = address
    this.#server = createServer({ key: init.key, cert: init.certificate, keepAlive: true })
    this.#server.keepAliveTimeout = keepAliveTimeoutMs
    this.#server.requestTimeout = requestTimeoutMs
    this.#serve()
  }

  /** Of a TCP address; 0 of a unix socket. */
  get port(): number {
    return 'port' in this.#address ? this.#address.port : 0
  }

  /** @throws Error (EADDRINUSE, EACCES, …) */
  async open(): Promise<void> {
    if ('path' in this.#address) rmSync(this.#address.path, { force: true })
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(this.#address, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
    const address = this.#server.address()
    if (typeof address === 'object' && address !== null && 'port' in this.#address) {
      this.#address = { ...this.#address, port: address.port }
    }
  }

  /** Stops listening and breaks every connection. */
  async close(): Promise<void> {
    if (!this.#server.listening) return
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve()
      })
      // why: upgraded connections and half-done handshakes are not the HTTP server's any more
      for (const socket of this.#sockets) socket.destroy()
    })
  }

  #serve(): void {
    const { routes, side, log } = this.#init
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    this.#server.on('request', (request, response) => {
      route(routes, request, response, side).catch((error: unknown) => {
        const failure = toApiError(error)
        if (failure !== error && !request.destroyed) {
          log(`${request.method ?? ''} ${request.url ?? ''}: ${stackOf(error)}`)
        }
        sendFailure(response, failure)
      })
    })
    this.#server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => undefined)
      routeUpgrade(routes, request, socket, head, side).catch((error: unknown) => {
        refuseUpgrade(socket, error)
      })
    })
    this.#server.on('tlsClientError', (_error, socket) => {
      socket.destroy()
    })
  }
}

/** A TCP address or a unix socket. */
export type ListenAddress =
  { readonly host: string; readonly port: number } | { readonly path: string }

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
