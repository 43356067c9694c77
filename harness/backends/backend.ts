import type { Listener, Protocol } from './arguments.ts'
import { behaviourState } from './behaviour.ts'
import { serveCommand } from './command.ts'
import type { BackendContext, Listening } from './context.ts'
import type { Identity } from './identity.ts'
import { journal } from './journal.ts'
import { streamServer } from './stream-server.ts'
import { serveTcp } from './tcp.ts'
import { udpServer } from './udp.ts'

type Start = (listener: Listener, context: BackendContext) => Promise<Listening>

// why: a pod starts only what it was asked for, and loads no more
const starts: Readonly<Record<Protocol, Start>> = {
  http: async (listener, context) => {
    const { serveHttp } = await import('./http/serve.ts')
    return streamServer(
      listener,
      context,
      () => context.behaviour.now.http,
      (socket, connection) => void serveHttp(socket, connection, context),
    )
  },
  tcp: (listener, context) =>
    streamServer(
      listener,
      context,
      () => context.behaviour.now.tcp,
      (socket) => {
        serveTcp(socket, context)
      },
    ),
  tls: async (listener, context) => {
    const { secureContextFrom, serveTls } = await import('./tls.ts')
    const secureContext = secureContextFrom(process.env)
    return streamServer(
      listener,
      context,
      () => ({}),
      (socket) => {
        serveTls(socket, secureContext, context)
      },
    )
  },
  command: (listener, context) =>
    streamServer(
      listener,
      context,
      () => context.behaviour.now.command,
      (socket) => void serveCommand(socket, context),
    ),
  udp: udpServer,
  h2: async (listener, context) => (await import('./h2.ts')).h2Server(listener, context),
  dns: async (listener, context) => (await import('./dns/server.ts')).dnsServer(listener, context),
  control: async (listener, context) =>
    (await import('./control.ts')).controlServer(listener, context),
}

/**
 * Starts everything, and resolves when all of it listens: where, in the order of the listeners.
 * @throws Error when a port cannot be had
 */
export function startBackend(
  listeners: readonly Listener[],
  identity: Identity,
): Promise<readonly (Listening & { readonly protocol: Protocol })[]> {
  const context: BackendContext = {
    identity,
    journal: journal(),
    behaviour: behaviourState(),
    sockets: new Set(),
  }
  return Promise.all(
    listeners.map(async (listener) => {
      const { address, port } = await starts[listener.protocol](listener, context)
      return { protocol: listener.protocol, address, port }
    }),
  )
}
