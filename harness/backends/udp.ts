import { createHash } from 'node:crypto'
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import type { Listener } from './arguments.ts'
import type { BackendContext, Listening } from './context.ts'
import { endpoint, identityLine } from './identity.ts'
import { keptBytes } from './journal.ts'

/** How many datagrams `burst` sends at most. */
const mostInBurst = 10_000

/** How long `delay` may wait, in ms: longer than any UDP flow has to be kept (RFC 4787 REQ-5). */
const longestDelayMs = 600_000

/**
 * Datagrams: `who` is answered by the identity line, `delay MS rest` by `rest` after a while, `burst N` by the numbers 1
 * to N in a datagram each; anything else comes back as it is, empty ones, too.
 */
export async function udpServer(listener: Listener, context: BackendContext): Promise<Listening> {
  const { identity, journal, behaviour } = context
  const refuses = (): boolean => behaviour.now.udp.refuse === true
  return datagramServer(listener, context, refuses, (socket, message, from) => {
    const peer = endpoint(from.address, from.port)
    journal.datagrams.add(
      {
        port: socket.address().port,
        peer,
        bytes: message.length,
        sha256: createHash('sha256').update(message).digest('hex'),
        data: Buffer.from(message.subarray(0, keptBytes.datagram)),
      },
      keptBytes.datagram,
    )
    const { blackhole, delayMs = 0 } = behaviour.now.udp
    if (blackhole === true) return
    const answer = (bytes: Uint8Array | string, afterMs = 0): void => {
      const send = (): void => {
        if (isOpen(socket)) socket.send(bytes, from.port, from.address)
      }
      if (afterMs + delayMs === 0) send()
      else setTimeout(send, afterMs + delayMs)
    }
    // why: only short datagrams are commands; decoding large ones would cost
    const start = message.subarray(0, 32).toString('latin1')
    const [whole, ms] = /^delay (\d{1,6}) /.exec(start) ?? []
    const count = /^burst (\d{1,5})\n?$/.exec(start)?.[1]
    if (/^who\n?$/.test(start)) answer(identityLine(identity, { local: socket.address(), peer }))
    else if (whole !== undefined && Number(ms) <= longestDelayMs)
      answer(message.subarray(whole.length), Number(ms))
    else if (count !== undefined && Number(count) <= mostInBurst)
      for (let number = 1; number <= Number(count); number += 1) answer(String(number))
    else answer(message)
  })
}

type OnMessage = (socket: Socket, message: Buffer, from: RemoteInfo) => void

/**
 * A UDP socket of both families that is closed while the behaviour refuses.
 * @throws Error when the port cannot be had
 */
export async function datagramServer(
  listener: Listener,
  { behaviour }: BackendContext,
  refuses: () => boolean,
  onMessage: OnMessage,
): Promise<Listening> {
  let socket: Socket | undefined = await bindUdp(listener, onMessage)
  const bound = socket.address()
  behaviour.onChange(async () => {
    if (refuses()) {
      socket?.close()
      socket = undefined
    } else socket ??= await bindUdp({ ...listener, port: bound.port }, onMessage)
  })
  return bound
}

async function bindUdp(
  { address, port }: Pick<Listener, 'address' | 'port'>,
  onMessage: OnMessage,
): Promise<Socket> {
  const bind = (type: 'udp4' | 'udp6'): Promise<Socket> => {
    const socket = createSocket({ type, recvBufferSize: 4 * 1024 * 1024 })
    return new Promise((resolve, reject) => {
      socket.once('error', reject)
      socket.bind({ port, ...(address !== undefined && { address }) }, () => {
        socket.off('error', reject)
        // why: an answer that cannot be sent is the peer's trouble, and shows there
        socket.on('error', () => undefined)
        socket.on('message', (message, from) => {
          onMessage(socket, message, from)
        })
        resolve(socket)
      })
    })
  }
  if (address !== undefined) return bind(address.includes(':') ? 'udp6' : 'udp4')
  try {
    return await bind('udp6')
  } catch (error) {
    const noIpv6 = ['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL']
    if (error instanceof Error && 'code' in error && noIpv6.includes(String(error.code)))
      return bind('udp4')
    throw error
  }
}

function isOpen(socket: Socket): boolean {
  try {
    socket.address()
    return true
  } catch {
    return false
  }
}
