/** A proxy on loopback with backends that do exactly what a test says, byte by byte. */
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { type HttpPort, HttpProxy } from '../l7/http-proxy.ts'
import type { HttpSettings } from '../l7/settings.ts'

/** A backend that hands each complete request head (and what came with it) to `answer`. */
export interface ScriptedBackend extends AsyncDisposable {
  readonly address: string
  readonly port: number
  /** Request heads as they arrived, in order, over all connections. */
  readonly heads: readonly string[]
  /** Connections accepted so far. */
  readonly connections: number
  /** Everything received, in order. */
  readonly received: () => string
}

export type Answer = (socket: Socket, head: string, rest: string) => void

export async function scriptedBackend(answer: Answer): Promise<ScriptedBackend> {
  const heads: string[] = []
  const open = new Set<Socket>()
  let received = ''
  let connections = 0
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    connections += 1
    open.add(socket)
    let pending = ''
    socket.on('close', () => open.delete(socket))
    socket.on('error', () => undefined)
    socket.on('end', () => socket.end())
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text
      pending += text
      const end = pending.indexOf('\r\n\r\n')
      if (end === -1 || !/^[A-Z]+ \S+ HTTP/.test(pending)) return
      const head = pending.slice(0, end + 4)
      const rest = pending.slice(end + 4)
      pending = ''
      heads.push(head)
      answer(socket, head, rest)
    })
  })
  const port = await listen(server)
  return {
    address: '127.0.0.1',
    port,
    heads,
    get connections() {
      return connections
    },
    received: () => received,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** A running proxy whose only Service is at 127.0.0.1. */
export interface ProxyFixture extends AsyncDisposable {
  readonly proxy: HttpProxy
  readonly port: number
  serve(
    backends: readonly { readonly address: string; readonly port: number }[],
    change?: Partial<HttpPort>,
  ): void
  client(): Promise<Client>
}

export async function proxyFixture(settings: Partial<HttpSettings> = {}): Promise<ProxyFixture> {
  const proxy = new HttpProxy(settings)
  await proxy.listen('127.0.0.1')
  const clients: Client[] = []
  return {
    proxy,
    port: proxy.port,
    serve(endpoints, change = {}) {
      proxy.update([
        {
          localAddress: '127.0.0.1',
          name: 'default/web:http-0',
          authority: 'web.default',
          policy: 'round-robin',
          endpoints,
          ...change,
        },
      ])
    },
    async client() {
      const client = await dial(proxy.port)
      clients.push(client)
      return client
    },
    async [Symbol.asyncDispose]() {
      for (const { socket } of clients) socket.destroy()
      await proxy.drain(AbortSignal.timeout(10))
    },
  }
}

/** A raw client connection that collects what it receives. */
export interface Client {
  readonly socket: Socket
  send(text: string | Buffer): void
  /** Everything received so far, as latin1. */
  readonly text: string
  /** `open`, `ended` after a clean end, or the error code. */
  readonly state: string
  /** Waits until `pattern` was received, at most 5 s. @throws with what was received */
  until(pattern: RegExp | string): Promise<string>
  /** Waits for the end of the connection; resolves with `ended` or the error code. */
  closed(): Promise<string>
}

export async function dial(port: number, host = '127.0.0.1'): Promise<Client> {
  const socket = connect({ port, host, allowHalfOpen: true, noDelay: true })
  const parts: Buffer[] = []
  let state = 'open'
  const changed = new Set<() => void>()
  const notify = (): void => {
    for (const check of [...changed]) check()
  }
  socket.on('data', (bytes: Buffer) => {
    parts.push(bytes)
    notify()
  })
  socket.on('end', () => {
    if (state === 'open') state = 'ended'
    notify()
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    state = error.code ?? error.message
    notify()
  })
  const received = (): string => Buffer.concat(parts).toString('latin1')
  const wait = async <T>(what: string, check: () => T | undefined): Promise<T> =>
    await new Promise<T>((resolve, reject) => {
      const late = setTimeout(() => {
        changed.delete(attempt)
        reject(
          new Error(
            `waited 8 s for ${what}; ${state}; received ${JSON.stringify(received().slice(0, 2000))}`,
          ),
        )
      }, 8_000)
      const attempt = (): void => {
        const result = check()
        if (result === undefined) return
        clearTimeout(late)
        changed.delete(attempt)
        resolve(result)
      }
      changed.add(attempt)
      attempt()
    })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return {
    socket,
    send: (text) => void socket.write(text, 'latin1' as BufferEncoding),
    get text() {
      return received()
    },
    get state() {
      return state
    },
    until: (pattern) =>
      wait(String(pattern), () => {
        const text = received()
        const found = typeof pattern === 'string' ? text.includes(pattern) : pattern.test(text)
        return found ? text : undefined
      }),
    closed: () => wait('the end', () => (state === 'open' ? undefined : state)),
  }
}
