import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { ClusterError } from '../../model/errors.ts'

/** A port of the host that leads to the cluster's API. */
export interface ApiDoor extends AsyncDisposable {
  readonly port: number
}

/**
 * Listens on 127.0.0.1 and pipes bytes to the API server's unix socket; TLS is between client and API server.
 * @param port - 0 takes any free port
 * @throws ClusterError 'port-in-use'
 */
export function openApiDoor(socketPath: string, port: number): Promise<ApiDoor> {
  const open = new Set<Socket>()
  const server = createServer((client) => {
    const api = connect(socketPath)
    for (const [one, other] of [
      [client, api],
      [api, client],
    ] as const) {
      open.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        open.delete(one)
        other.destroy()
      })
    }
    client.pipe(api)
    api.pipe(client)
  })
  return new Promise((resolve, reject) => {
    server.on('error', (cause: NodeJS.ErrnoException) => {
      reject(
        cause.code === 'EADDRINUSE'
          ? new ClusterError('port-in-use', `port ${port} of 127.0.0.1 is in use`, {
              hint: 'choose another port, or 0 for any free one',
              cause,
            })
          : cause,
      )
    })
    server.listen(port, '127.0.0.1', () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        [Symbol.asyncDispose]: () => closeDoor(server, open),
      })
    })
  })
}

function closeDoor(server: Server, open: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve()
    })
    for (const socket of open) socket.destroy()
  })
}
