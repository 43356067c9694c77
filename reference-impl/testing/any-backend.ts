import { connect, createServer, type Server } from 'node:net'

/** A SYN that meets the commit of a change is dropped, and would be sent again a second later: another one is tried. */
const attemptMs = 20

/** How long one change may take before it counts as lost. */
const lostMs = 30_000

/** One listener for every endpoint: it tells at which address a connection came in. */
export class AnyBackend {
  readonly #server: Server
  #accepted: ((address: string) => void) | undefined

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket) => {
      socket.on('error', () => undefined)
      this.#accepted?.(socket.localAddress ?? '')
      // why: a reset leaves no TIME_WAIT behind, so ports do not run out
      socket.resetAndDestroy()
    })
  }

  static async listen(port: number): Promise<AnyBackend> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(port, '0.0.0.0', 4096, resolve))
    return new AnyBackend(server)
  }

  close(): void {
    this.#server.close()
  }

  /** Connects to a Service once; resolves with the endpoint's address. @throws Error when it is refused */
  async connect(clusterIp: string, withinMs = 1000): Promise<string> {
    return await new Promise<string>((resolve, reject) => {
      const socket = connect({ host: clusterIp, port: 80 })
      const late = setTimeout(() => socket.destroy(new Error('nobody answers')), withinMs)
      this.#accepted = (address) => {
        clearTimeout(late)
        resolve(address)
      }
      socket.on('error', reject)
      socket.on('close', () => clearTimeout(late))
    })
  }

  /** Connects again and again until one of these endpoints was reached. @throws Error after 30 s */
  async reached(clusterIp: string, endpoints: ReadonlySet<string>): Promise<void> {
    const deadline = performance.now() + lostMs
    for (;;) {
      const address = await this.connect(clusterIp, attemptMs).catch(() => '')
      if (endpoints.has(address)) return
      if (performance.now() > deadline)
        throw new Error(`${clusterIp} does not lead to ${[...endpoints].join()} after ${lostMs} ms`)
      // why: a client that never pauses would take the CPU that the agent needs
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }
}
