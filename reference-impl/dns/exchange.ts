/** One question to one server. */
import { createSocket, type Socket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import { randomInt } from 'node:crypto'
import { writeAsk, type Question } from '../wire/dns-ask.ts'
import { parseResponse, type Response } from '../wire/dns-response.ts'

export interface Server {
  readonly address: string
  readonly port: number
}

export interface Answer extends Response {
  readonly message: Buffer
}

/** Sockets kept ready per server: opening one costs as much as the way to the server and back. */
const spareSockets = 4

/** Datagram sockets connected to one server, each with a source port of its own and used for one question only. */
export class SocketPool {
  readonly #server: Server
  readonly #ready: Socket[] = []
  #closed = false

  constructor(server: Server) {
    this.#server = server
  }

  async take(): Promise<Socket> {
    const socket = this.#ready.pop() ?? (await this.#open())
    setImmediate(() => this.#fill())
    return socket
  }

  /** Forgets sockets made before: they are bound to an address that this node may have lost. */
  flush(): void {
    for (const socket of this.#ready.splice(0)) socket.close()
  }

  close(): void {
    this.#closed = true
    this.flush()
  }

  #fill(): void {
    if (this.#closed || this.#ready.length >= spareSockets) return
    this.#open().then(
      (socket) => {
        if (this.#closed || this.#ready.length >= spareSockets) socket.close()
        else this.#ready.push(socket)
      },
      () => undefined,
    )
  }

  async #open(): Promise<Socket> {
    const { address, port } = this.#server
    return await new Promise<Socket>((resolve, reject) => {
      const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
      socket.unref()
      // why: an idle spare may learn of an unreachable server; the next question then finds out for itself
      const onError = (error: Error): void => {
        const at = this.#ready.indexOf(socket)
        if (at >= 0) this.#ready.splice(at, 1)
        socket.close()
        reject(error)
      }
      socket.once('error', onError)
      socket.connect(port, address, () => resolve(socket))
    })
  }
}

/**
 * Asks over UDP. Answers with another ID or question, or from elsewhere, are not looked at (RFC 5452 §9).
 * @throws Error when the server's host refuses, or the signal is aborted
 */
export async function askUdp(
  pool: SocketPool,
  question: Question,
  key: string,
  signal: AbortSignal,
): Promise<Answer> {
  const socket = await pool.take()
  if (signal.aborted) {
    socket.close()
    throw new Error('too late')
  }
  const id = randomInt(0x10000)
  return await new Promise<Answer>((resolve, reject) => {
    const finish = (outcome: Answer | Error): void => {
      signal.removeEventListener('abort', onAbort)
      socket.removeAllListeners('error')
      socket.on('error', () => undefined)
      socket.close()
      if (outcome instanceof Error) reject(outcome)
      else resolve(outcome)
    }
    const onAbort = (): void => finish(new Error('no answer in time'))
    signal.addEventListener('abort', onAbort)
    socket.removeAllListeners('error')
    socket.once('error', finish)
    socket.on('message', (message) => {
      const response = parseResponse(message)
      if (response?.id === id && response.key === key) finish({ ...response, message })
    })
    socket.send(writeAsk(id, question))
  })
}

/** Asks over TCP, for answers that do not fit into a datagram. @throws Error as `askUdp` */
export async function askTcp(
  { address, port }: Server,
  question: Question,
  key: string,
  signal: AbortSignal,
): Promise<Answer> {
  const id = randomInt(0x10000)
  return await new Promise<Answer>((resolve, reject) => {
    const socket = connect({ host: address, port })
    const finish = (outcome: Answer | Error): void => {
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      if (outcome instanceof Error) reject(outcome)
      else resolve(outcome)
    }
    const onAbort = (): void => finish(new Error('no answer in time'))
    signal.addEventListener('abort', onAbort)
    socket.once('error', finish)
    socket.once('close', () => finish(new Error(`${address} closed the connection`)))
    const ask = writeAsk(id, question)
    socket.write(Buffer.concat([Buffer.from([ask.length >> 8, ask.length & 0xff]), ask]))
    let received: Buffer = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
      const message = received.subarray(2, 2 + received.readUInt16BE(0))
      const response = parseResponse(message)
      if (response?.id === id && response.key === key) finish({ ...response, message })
      else finish(new Error(`${address} answered another question`))
    })
  })
}
