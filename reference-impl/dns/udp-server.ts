import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { DnsCounters } from './counters.ts'
import type { Responder } from './responder.ts'

export interface DnsServerInit {
  readonly address: string
  /** 0 lets the system choose. */
  readonly port: number
  readonly responder: Pick<Responder, 'respond'>
  readonly allows: (address: string) => boolean
  readonly counters: DnsCounters
}

export interface DnsServer {
  readonly port: number
  /** Takes no new questions; resolves when those under way are answered. */
  close(): Promise<void>
}

/** Queries that may wait in the kernel while this process does something else: 2 MiB, as far as the system allows. */
const receiveBufferBytes = 2 * 1024 * 1024

/** @throws Error when the address cannot be bound */
export async function serveUdp(init: DnsServerInit): Promise<DnsServer> {
  const family = isIPv6(init.address) ? 6 : 4
  const socket = createSocket({
    type: `udp${family}`,
    // why: answers go to addresses, never to names; the default would ask the event loop once per answer
    lookup: (host, _options, done) => done(null, host, family),
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind({ address: init.address, port: init.port }, () => {
      socket.off('error', reject)
      resolve()
    })
  })
  // why: an ICMP error of a client that went away concerns that client alone
  socket.on('error', () => undefined)
  enlargeBuffers(socket)
  let underWay = 0
  let closing: Promise<void> | undefined
  let drained: (() => void) | undefined
  const ended = (): void => {
    underWay -= 1
    if (underWay === 0) drained?.()
  }
  const { responder, allows, counters } = init
  const onMessage = (
    message: Buffer,
    { address, port }: { address: string; port: number },
  ): void => {
    if (!allows(address)) {
      counters.refusedClients += 1
      return
    }
    // why: port 0 says that no answer is wanted (RFC 768), and sending to it throws
    if (port === 0) {
      counters.dropped += 1
      return
    }
    const answer = responder.respond(message, false)
    if (answer === undefined) {
      counters.dropped += 1
    } else if (answer instanceof Promise) {
      underWay += 1
      answer
        .then((bytes) => {
          if (bytes !== undefined) socket.send(bytes, port, address)
        })
        .catch(() => undefined)
        .finally(ended)
    } else {
      socket.send(answer, port, address)
    }
  }
  socket.on('message', onMessage)
  const close = async (): Promise<void> => {
    socket.off('message', onMessage)
    if (underWay > 0) await new Promise<void>((resolve) => (drained = resolve))
    await new Promise<void>((resolve) => {
      socket.close(() => resolve())
    })
  }
  return {
    port: socket.address().port,
    close: async () => (closing ??= close()),
  }
}

function enlargeBuffers(socket: Socket): void {
  try {
    socket.setRecvBufferSize(receiveBufferBytes)
    socket.setSendBufferSize(receiveBufferBytes)
  } catch {
    // why: the default size serves as well, with fewer queries in waiting
  }
}
