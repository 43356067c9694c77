import { createSocket, type RemoteInfo } from 'node:dgram'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Listener } from '../arguments.ts'
import { byteReader } from '../byte-reader.ts'
import type { BackendContext, Listening } from '../context.ts'
import { endpoint } from '../identity.ts'
import { keptBytes } from '../journal.ts'
import { streamServer } from '../stream-server.ts'
import { datagramServer } from '../udp.ts'
import type { DnsRule } from './behaviour.ts'
import { relay } from './relay.ts'
import { plain, type Zone, zone } from './zone.ts'
import { type Query, readQuery } from './query.ts'
import { type Contents, fitted, forged, formatError, response } from './response.ts'

/** A true answer follows a forged one after so long unless the rule says otherwise. */
const trueAfterMs = 100

/** How a client is answered; `elsewhere` from another port than the query went to. */
interface Way {
  readonly transport: 'udp' | 'tcp'
  readonly port: number
  readonly peer: string
  send(message: Buffer): void
  elsewhere(message: Buffer): void
}

/**
 * A name server that stands in for the world outside: it answers from the records that control gives it, misbehaves by
 * rules, and writes down every query. UDP and TCP, one port.
 */
export async function dnsServer(listener: Listener, context: BackendContext): Promise<Listening> {
  const { behaviour } = context
  let known: Zone = zone([])
  let uses = new Map<DnsRule, number>()
  let records = behaviour.now.dns.records
  behaviour.onChange(async () => {
    const { dns } = behaviour.now
    if (dns.records !== records) known = zone(dns.records ?? [])
    records = dns.records
    uses = new Map((dns.rules ?? []).map((rule) => [rule, uses.get(rule) ?? 0]))
  })

  const ruleFor = ({ name, type }: Query, transport: 'udp' | 'tcp'): DnsRule => {
    const found = (behaviour.now.dns.rules ?? []).find(
      (rule) =>
        (rule.name === undefined || fits(name, rule.name)) &&
        (rule.type ?? type) === type &&
        (rule.transport ?? transport) === transport &&
        (uses.get(rule) ?? 0) < (rule.times ?? Infinity),
    )
    if (found !== undefined) uses.set(found, (uses.get(found) ?? 0) + 1)
    return found ?? {}
  }

  const take = async (message: Buffer, way: Way): Promise<void> => {
    const query = readQuery(message)
    write(context, message, query, way)
    if (typeof query === 'string') {
      const error = formatError(message)
      if (error !== undefined) way.send(error)
      return
    }
    const rule = ruleFor(query, way.transport)
    if (rule.blackhole === true) return
    if (rule.delayMs !== undefined) await delay(rule.delayMs)
    if (rule.relay !== undefined) {
      relay(message, rule.relay, way)
      return
    }
    const isUdp = way.transport === 'udp'
    if (rule.forge !== undefined && isUdp) {
      const message = forged(query, rule.forge)
      if (rule.forge === 'source-port') way.elsewhere(message)
      else way.send(message)
      if ((rule.trueAfterMs ?? trueAfterMs) < 0) return
      await delay(rule.trueAfterMs ?? trueAfterMs)
    }
    const contents = contentsFor(rule, isUdp, () => known(query.name, query.type))
    way.send(isUdp ? fitted(query, contents) : response(query, contents))
  }

  const serves = (transport: 'udp' | 'tcp'): boolean =>
    behaviour.now.dns.transports?.includes(transport) ?? true
  const tcp = await streamServer(
    listener,
    context,
    () => ({ refuse: !serves('tcp') }),
    (socket) => void serveStream(socket, take),
  )
  await datagramServer(
    { ...listener, port: tcp.port },
    context,
    () => !serves('udp'),
    (socket, message, from) => {
      void take(message, {
        transport: 'udp',
        port: tcp.port,
        peer: endpoint(from.address, from.port),
        send: (answer) => {
          if (serves('udp')) socket.send(answer, from.port, from.address)
        },
        elsewhere: (answer) => {
          sendFromElsewhere(answer, from)
        },
      })
    },
  )
  return tcp
}

function contentsFor(rule: DnsRule, isUdp: boolean, ask: () => Contents): Contents {
  if (rule.rcode !== undefined) return { rcode: rule.rcode }
  return rule.truncate === true && isUdp ? { rcode: 'NOERROR', truncated: true } : ask()
}

function fits(name: string, pattern: string): boolean {
  return pattern.startsWith('*.')
    ? plain(name).endsWith(plain(pattern).slice(1))
    : plain(name) === plain(pattern)
}

/** Messages with their length before them (RFC 7766), each answered as soon as it can be. */
async function serveStream(
  socket: Socket,
  take: (message: Buffer, way: Way) => Promise<void>,
): Promise<void> {
  const reader = byteReader(socket)
  const send = (message: Buffer): void => {
    const length = Buffer.alloc(2)
    length.writeUInt16BE(message.length)
    if (socket.writable) socket.write(Buffer.concat([length, message]))
  }
  const way: Way = {
    transport: 'tcp',
    port: socket.localPort ?? 0,
    peer: endpoint(socket.remoteAddress, socket.remotePort),
    send,
    elsewhere: send,
  }
  const open = new Set<Promise<void>>()
  for (;;) {
    const { bytes } = reader
    const length = bytes.length < 2 ? Infinity : bytes.readUInt16BE(0)
    if (bytes.length < 2 + length) {
      if (await reader.more()) continue
      break
    }
    const answered = take(Buffer.from(reader.take(2 + length).subarray(2)), way)
    open.add(answered)
    void answered.finally(() => open.delete(answered))
  }
  await Promise.all(open)
  socket.end()
}

function sendFromElsewhere(message: Buffer, { address, port, family }: RemoteInfo): void {
  const liar = createSocket(family === 'IPv6' ? 'udp6' : 'udp4')
  liar.send(message, port, address, () => {
    liar.close()
  })
}

function write(
  { journal }: BackendContext,
  message: Buffer,
  query: Query | string,
  { transport, port, peer }: Way,
): void {
  const common = {
    port,
    peer,
    transport,
    at: new Date().toISOString(),
    wire: Buffer.from(message.subarray(0, keptBytes.datagram)),
  }
  const said =
    typeof query === 'string'
      ? { name: '', type: '', id: 0, recursionDesired: false, malformed: query }
      : {
          name: query.name,
          type: query.type,
          id: query.id,
          recursionDesired: query.recursionDesired,
          ...(query.edns !== undefined && { edns: query.edns }),
        }
  journal.dnsQueries.add({ ...common, ...said }, 1024)
}
