/** healthCheckNodePorts: a load balancer asks here whether this node has endpoints of a Service. */
import { createServer, type Server } from 'node:http'
import type { Log } from './netfilter/netfilter.ts'
import type { HealthCheck } from './plan.ts'

/** Listens at the ports that are wanted, and at no other. */
export class HealthChecks {
  readonly #log: Log
  readonly #servers = new Map<number, Server>()
  #checks: ReadonlyMap<number, HealthCheck> = new Map()

  constructor(log: Log) {
    this.#log = log
  }

  follow(checks: readonly HealthCheck[]): void {
    this.#checks = new Map(checks.map((check) => [check.port, check]))
    for (const [port, server] of this.#servers) if (!this.#checks.has(port)) this.#end(port, server)
    for (const [port, check] of this.#checks)
      if (!this.#servers.has(port)) this.#servers.set(port, this.#open(check))
  }

  close(): void {
    for (const [port, server] of this.#servers) this.#end(port, server)
  }

  /** 200 with ready endpoints on this node, 503 without; the body is kube-proxy's. */
  #open({ port, namespace, name }: HealthCheck): Server {
    const server = createServer((_, response) => {
      const localEndpoints = this.#checks.get(port)?.localEndpoints ?? 0
      response.writeHead(localEndpoints > 0 ? 200 : 503, { 'Content-Type': 'application/json' })
      response.end(JSON.stringify({ service: { namespace, name }, localEndpoints }))
    })
    server.on('error', (error) => {
      // why: the next change tries again; the program that has the port may be gone by then
      if (this.#servers.get(port) === server) this.#servers.delete(port)
      const where = `${namespace}/${name}: healthCheckNodePort ${port}`
      this.#log.warn(`${where} cannot be listened on`, { message: error.message })
    })
    return server.listen(port)
  }

  #end(port: number, server: Server): void {
    this.#servers.delete(port)
    server.close()
    server.closeAllConnections()
  }
}
