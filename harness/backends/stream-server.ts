import { createServer, type Server, type Socket } from 'node:net'
import type { Listener } from './arguments.ts'
import type { StreamBehaviour } from './behaviour.ts'
import type { BackendContext, Listening } from './context.ts'

/** Serves one connection; it comes paused and may be half closed by either side. */
export type Serve = (socket: Socket, connection: number) => void

/**
 * Listens on TCP as the behaviour says: closed while it refuses, and deaf while it is a black hole.
 * @param of - the part of the behaviour that counts here
 * @throws Error when the port cannot be had
 */
export async function streamServer(
  { address, port }: Listener,
  context: BackendContext,
  of: () => StreamBehaviour,
  serve: Serve,
): Promise<Listening> {
  const { journal, sockets, behaviour } = context
  const accept = (socket: Socket): void => {
    journal.connections += 1
    journal.open += 1
    sockets.add(socket)
    socket.on('close', () => {
      journal.open -= 1
      sockets.delete(socket)
    })
    // why: whoever serves it learns of a broken connection by 'close'
    socket.on('error', () => undefined)
    socket.setNoDelay(true)
    if (of().blackhole !== true) serve(socket, journal.connections)
  }
  const open = (at: number): Promise<Server> => {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, accept)
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen({ port: at, backlog: 4096, ...(address !== undefined && { host: address }) })
      server.once('listening', () => {
        resolve(server)
      })
    })
  }
  let server: Server | undefined = await open(port)
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('a TCP server has no port')
  behaviour.onChange(async () => {
    if (of().refuse === true) {
      server?.close()
      server = undefined
    } else server ??= await open(bound.port)
  })
  return bound
}
