import { type AddressInfo, createServer, type Socket } from 'node:net'
import { holding, type KnownBehaviour, type KnownServer } from './known-server.ts'

/** HTTP on 127.0.0.1: every request, one at a time per connection, gets the page. */
export async function knownHttp(behaviour: KnownBehaviour): Promise<KnownServer> {
  const { page, kind } = behaviour
  const closes = kind === 'http-closing'
  const answer = Buffer.from(
    `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(page)}\r\n${closes ? 'Connection: close\r\n' : ''}\r\n${page}`,
  )
  const { hold, takeHolds, stall } = holding(behaviour)
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    const send = (): void => {
      if (closes) socket.end(answer)
      else socket.write(answer)
    }
    socket.on('data', () => {
      hold(send)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', 4_096, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    takeHolds,
    stall,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        for (const socket of sockets) socket.destroy()
      }),
  }
}
