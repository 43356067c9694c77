import { type AddressInfo, createServer, type Socket } from 'node:net'

/** An HTTP server that answers every request after a time that it measures itself. */
export interface HeldServer extends AsyncDisposable {
  readonly port: number
  /** How long each answer was really held, in milliseconds. */
  readonly holdsMs: readonly number[]
  /** Answers nothing for a while; what came meanwhile is answered at its end. */
  stall(forMs: number): void
}

/** @param page - body of each answer @param holdMs - how long each is held */
export async function startHeldServer(page: string, holdMs: number): Promise<HeldServer> {
  const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(page)}\r\n\r\n${page}`
  const holdsMs: number[] = []
  const sockets = new Set<Socket>()
  let held: (() => void)[] | undefined
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', () => {
      const cameMs = performance.now()
      const send = (): void => {
        holdsMs.push(performance.now() - cameMs)
        socket.write(answer)
      }
      const due = (): void => {
        if (held === undefined) send()
        else held.push(send)
      }
      if (holdMs === 0) due()
      else setTimeout(due, holdMs)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    holdsMs,
    stall: (forMs) => {
      held = []
      setTimeout(() => {
        const waiting = held ?? []
        held = undefined
        for (const send of waiting) send()
      }, forMs)
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        for (const socket of sockets) socket.destroy()
      }),
  }
}
