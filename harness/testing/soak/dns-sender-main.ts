import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { reply } from '../../../scenarios/conformance/support/dns-exchange.ts'
import { query, seeded } from '../../../scenarios/conformance/support/dns-packets.ts'
import { hostilePacket, hostileStream, type Names, validQueries } from './hostile-dns.ts'

/*
 * Sends hostile packets to a name server in volleys, each followed by a well-formed probe: a server takes datagrams in
 * their order, so the answer to the probe says that the volley was read, and no more is in flight than one volley. Prints
 * a line about each second, and one at its end. It stops when probes stay without an answer.
 */

export interface DnsSending {
  readonly server: string
  readonly packets: number
  readonly seed: number
  readonly names: Names
  readonly probes: readonly DnsProbe[]
}

/** A query and what has to come back: the code, and the data of the answers, sorted. */
export interface DnsProbe {
  readonly name: string
  readonly type: number
  readonly rcode: string
  readonly answers: readonly string[]
}

export interface DnsSent {
  readonly sent: number
  /** Of them over TCP. */
  readonly overTcp: number
  readonly replies: number
  readonly probes: number
  /** Probes that were not answered, or not rightly: what came. The first few. */
  readonly wrong: readonly string[]
  readonly wrongCount: number
  /** TCP connections that the server did not close after we did. */
  readonly leftOpen: number
}

const perVolley = 100
/** One volley of so many goes over TCP. */
const tcpEvery = 20
const answerMs = 5_000
/** So many probes in a row without an answer end it. */
const mostUnanswered = 3
const shown = 5
const lineMs = 1_000

const init = JSON.parse(process.argv[2] ?? '{}') as DnsSending
const random = seeded(init.seed)
const valid = validQueries(init.names)
const state = { sent: 0, overTcp: 0, replies: 0, probes: 0, wrongCount: 0, leftOpen: 0 }
const wrong: string[] = []
let unanswered = 0

const sockets = Array.from({ length: 8 }, () => createSocket('udp4'))
const probeSocket = createSocket('udp4')
const waiting = new Map<number, (answer: Buffer | undefined) => void>()

for (const socket of sockets) {
  await bound(socket)
  socket.on('message', () => (state.replies += 1))
}
await bound(probeSocket)
probeSocket.on('message', (message) => {
  if (message.length >= 2) waiting.get(message.readUInt16BE(0))?.(message)
})

let toldAt = performance.now()
for (let volley = 0; state.sent < init.packets && unanswered < mostUnanswered; volley += 1) {
  const count = Math.min(perVolley, init.packets - state.sent)
  const packets = Array.from({ length: count }, () => hostilePacket(valid, random))
  const probe = init.probes[volley % init.probes.length]
  if (probe === undefined) throw new Error('probes: got none, want one at least')
  if (volley % tcpEvery === tcpEvery - 1) await overTcp(packets, probe, volley)
  else await overUdp(packets, probe, volley)
  state.sent += count
  if (performance.now() - toldAt < lineMs) continue
  toldAt = performance.now()
  tell()
}
for (const socket of [...sockets, probeSocket]) socket.close()
tell()

function tell(): void {
  const line: DnsSent = { ...state, wrong }
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

async function bound(socket: Socket): Promise<void> {
  // why: an ICMP error of an earlier datagram is seen by what does not come
  socket.on('error', () => undefined)
  socket.bind(0)
  await once(socket, 'listening')
}

async function overUdp(packets: readonly Buffer[], probe: DnsProbe, id: number): Promise<void> {
  for (const [index, packet] of packets.entries())
    sockets[index % sockets.length]?.send(packet, 53, init.server)
  judge(probe, await askedUdp(probe, id & 0xffff))
}

async function askedUdp({ name, type }: DnsProbe, id: number): Promise<Buffer | undefined> {
  const late = new AbortController()
  const answer = new Promise<Buffer | undefined>((resolve) => {
    waiting.set(id, resolve)
  })
  probeSocket.send(query({ name, type, id }), 53, init.server)
  try {
    return await Promise.race([answer, nothingWithin(late.signal)])
  } finally {
    late.abort()
    waiting.delete(id)
  }
}

function nothingWithin(signal: AbortSignal): Promise<undefined> {
  return delay(answerMs, undefined, { signal }).catch(() => undefined)
}

/** Everything on one connection, pipelined; the probe comes last. */
async function overTcp(packets: readonly Buffer[], probe: DnsProbe, volley: number): Promise<void> {
  // why: no hostile packet may bear the probe's ID
  const id = volley & 0xffff
  for (const packet of packets)
    if (packet.length >= 2 && packet.readUInt16BE(0) === id) packet.writeUInt16BE(id ^ 1)
  const { name, type } = probe
  const stream = hostileStream(packets, query({ name, type, id }), random)
  const socket = connect({ host: init.server, port: 53, noDelay: true, allowHalfOpen: true })
  socket.on('error', () => undefined)
  const closed = once(socket, 'close').then(() => undefined)
  let received = Buffer.alloc(0)
  const answer = new Promise<Buffer>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const message = received.subarray(2, 2 + received.readUInt16BE(0))
        received = received.subarray(2 + message.length)
        if (message.length >= 2 && message.readUInt16BE(0) === id) resolve(message)
        else state.replies += 1
      }
    })
  })
  for (const piece of stream.pieces) {
    socket.write(piece)
    await delay(1)
  }
  state.overTcp += packets.length
  const late = new AbortController()
  // why: after a wrong length nobody knows where the probe begins
  if (stream.isFramed)
    judge(probe, await Promise.race([answer, closed, nothingWithin(late.signal)]))
  socket.end()
  const left = await Promise.race([closed.then(() => 'closed'), nothingWithin(late.signal)])
  late.abort()
  if (left === undefined) state.leftOpen += 1
  socket.destroy()
}

function judge(probe: DnsProbe, answer: Buffer | undefined): void {
  state.probes += 1
  unanswered = answer === undefined ? unanswered + 1 : 0
  const seen = describe(answer)
  if (seen === `${probe.rcode} ${probe.answers.join(', ')}`.trim()) return
  state.wrongCount += 1
  if (wrong.length < shown) wrong.push(`${probe.name} ${probe.type}: ${seen}`)
}

function describe(answer: Buffer | undefined): string {
  if (answer === undefined) return 'no answer'
  const { message } = reply(answer, { from: '', socket: 0, atMs: 0 })
  if (message === undefined) return `no DNS message: ${answer.toString('hex')}`
  const data = message.answers.map((one) => one.data).sort()
  return `${message.rcode} ${data.join(', ')}`.trim()
}
