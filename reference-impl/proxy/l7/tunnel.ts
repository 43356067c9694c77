/** Bytes in both directions, as they come: after 101 Switching Protocols, or HTTP/2 that starts without asking. */
import type { Socket } from 'node:net'
import { reset } from './reset.ts'
import type { Upstream } from './upstream.ts'

/** Both ends are asked for signs of life at this interval, as nothing else limits a tunnel. */
const keepAliveMs = 30_000

export class Tunnel {
  readonly #client: Socket
  readonly #upstream: Upstream
  #backendEnded = false

  constructor(client: Socket, upstream: Upstream) {
    this.#client = client
    this.#upstream = upstream
    client.setKeepAlive(true, keepAliveMs)
    upstream.socket.setKeepAlive(true, keepAliveMs)
  }

  /** From the client; `bytes` are valid only during the call. */
  receive(bytes: Buffer): void {
    const { socket } = this.#upstream
    socket.write(Buffer.from(bytes))
    if (socket.writableLength > 0) this.#client.pause()
  }

  onClientEnd(): void {
    this.#upstream.socket.end()
  }

  onClientClose(): void {
    if (this.#backendEnded) this.#upstream.destroy()
    else this.#upstream.reset()
  }

  onBackendBytes(bytes: Buffer): void {
    this.#client.write(bytes)
    if (this.#client.writableLength > 0) this.#upstream.pinned = true
  }

  onBackendDrain(): void {
    this.#client.resume()
  }

  onBackendEnd(): void {
    this.#backendEnded = true
    this.#client.end()
  }

  onBackendFailed(): void {
    // why: an end that was sent already stays a clean end; anything else must not look like one
    if (this.#backendEnded) this.#client.destroySoon()
    else reset(this.#client)
  }
}
