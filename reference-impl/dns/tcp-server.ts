import { createServer, type Socket } from 'node:net'
import { keptBytes } from '../wire/kept-bytes.ts'
import type { DnsServer, DnsServerInit } from './udp-server.ts'

export interface TcpLimits {
  /** A connection on which nothing is asked and nothing answered is closed after this (RFC 7766 §6.2.3). */
  readonly idleMs: number
  /** The connection that is idle longest makes room for a new one beyond this number. */
  readonly maxConnections: number
  /**
   * What all connections together may hold, in bytes: questions that are not whole, answers that are not taken. Beyond,
   * those that did nothing for longest and hold something are closed.
   */
  readonly maxHeldBytes: number
}

const defaultLimits: TcpLimits = {
  idleMs: 10_000,
  maxConnections: 1000,
  maxHeldBytes: 16 * 1024 * 1024,
}

/** Questions under way per connection; reading pauses beyond. */
const maxUnderWay = 100

/** Answers that the client does not take; reading pauses beyond. */
const maxUnsentBytes = 256 * 1024

interface Connection {
  readonly socket: Socket
  received: Buffer
  /** Its part of what all hold, as of the last look. */
  heldBytes: number
  underWay: number
  ended: boolean
}

/** DNS over TCP (RFC 7766): questions may be pipelined, answers come in any order. @throws Error when it cannot bind */
export async function serveTcp(
  init: DnsServerInit,
  change: Partial<TcpLimits> = {},
): Promise<DnsServer> {
  const limits = { ...defaultLimits, ...change }
  /** Oldest activity first. */
  const connections = new Map<Socket, Connection>()
  let heldBytes = 0
  let closing = false
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    if (closing || !init.allows(socket.remoteAddress ?? '')) {
      init.counters.refusedClients += 1
      socket.destroy()
      return
    }
    if (connections.size >= limits.maxConnections) {
      for (const [oldest] of connections) {
        oldest.destroy()
        connections.delete(oldest)
        break
      }
    }
    accept(socket)
  })

  const accept = (socket: Socket): void => {
    const connection: Connection = {
      socket,
      received: Buffer.alloc(0),
      heldBytes: 0,
      underWay: 0,
      ended: false,
    }
    connections.set(socket, connection)
    socket.setTimeout(limits.idleMs, () => {
      if (connection.underWay === 0 || socket.writableLength > 0) socket.destroy()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      connections.delete(socket)
      weigh(connection, 0)
    })
    socket.on('data', (chunk: Buffer) => {
      connections.delete(socket)
      connections.set(socket, connection)
      connection.received =
        connection.received.length === 0 ? chunk : Buffer.concat([connection.received, chunk])
      read(connection)
    })
    socket.on('end', () => {
      connection.ended = true
      finish(connection)
    })
    socket.on('drain', () => read(connection))
  }

  const read = (connection: Connection): void => {
    const { socket } = connection
    let { received } = connection
    while (received.length >= 2 && !isBusy(connection)) {
      const end = 2 + received.readUInt16BE(0)
      if (received.length < end) break
      answer(connection, received.subarray(2, end))
      received = received.subarray(end)
    }
    // why: a few bytes of a slice hold the whole of what was read with them
    const isSlice = received.length < received.buffer.byteLength
    connection.received = isSlice && !isBusy(connection) ? keptBytes(received) : received
    hold(connection)
    if (isBusy(connection)) socket.pause()
    else if (socket.isPaused()) socket.resume()
    finish(connection)
  }

  const weigh = (connection: Connection, bytes: number): void => {
    heldBytes += bytes - connection.heldBytes
    connection.heldBytes = bytes
  }

  const hold = (connection: Connection): void => {
    weigh(connection, connection.received.length + connection.socket.writableLength)
    for (const other of connections.values()) {
      if (heldBytes <= limits.maxHeldBytes) return
      if (other.heldBytes === 0) continue
      weigh(other, 0)
      other.socket.destroy()
      connections.delete(other.socket)
    }
  }

  const answer = (connection: Connection, message: Buffer): void => {
    const reply = init.responder.respond(message, true)
    if (reply === undefined) {
      init.counters.dropped += 1
    } else if (reply instanceof Promise) {
      connection.underWay += 1
      reply
        .then((bytes) => {
          if (bytes !== undefined) send(connection, bytes)
        })
        .catch(() => undefined)
        .finally(() => {
          connection.underWay -= 1
          read(connection)
        })
    } else {
      send(connection, reply)
    }
  }

  /** A client that has said all closes its side; the last answer closes ours. */
  const finish = ({ socket, ended, underWay, received }: Connection): void => {
    if (underWay > 0 || socket.destroyed) return
    const nothingLeft = received.length < 2 || received.length < 2 + received.readUInt16BE(0)
    if ((ended || closing) && nothingLeft) socket.end()
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: init.address, port: init.port, backlog: 512 }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  // why: out of descriptors is a state that passes; the server goes on when connections are closed
  server.on('error', () => undefined)
  const bound = server.address()
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : init.port,
    close: async () => {
      closing = true
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
      for (const connection of connections.values()) finish(connection)
      const forced = setTimeout(() => {
        for (const socket of connections.keys()) socket.destroy()
      }, 5000)
      await closed
      clearTimeout(forced)
    },
  }
}

function isBusy({ socket, underWay }: Connection): boolean {
  return underWay >= maxUnderWay || socket.writableLength > maxUnsentBytes
}

function send({ socket }: Connection, bytes: Buffer): void {
  if (!socket.writable) return
  const framed = Buffer.allocUnsafe(2 + bytes.length)
  framed.writeUInt16BE(bytes.length, 0)
  bytes.copy(framed, 2)
  socket.write(framed)
}
