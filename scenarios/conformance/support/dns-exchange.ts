import packet, { type Answer } from 'dns-packet'
import type { CheckContext, Observation, Position } from '../../../harness/api.ts'
import { dnsServer } from './dns.ts'
import { framed } from './dns-packets.ts'
import { inPod } from './positions.ts'

/** After this a stub resolver has given up (resolv.conf(5), timeout). */
export const stubTimeoutMs = 5_000

/** A message that came back, read by a codec that neither target wrote. */
export interface Reply {
  readonly bytes: Buffer
  /** Undefined when it is no DNS message. */
  readonly message: Message | undefined
  /** `ADDRESS:PORT` that it came from; empty over TCP. */
  readonly from: string
  /** Index of the socket that it came to; 0 over TCP. */
  readonly socket: number
  /** Since the first message was sent. */
  readonly atMs: number
}

export interface Message {
  readonly id: number
  readonly isResponse: boolean
  readonly opcode: number
  /** With the upper bits of OPT: `BADVERS` is 16. */
  readonly rcode: string
  readonly authoritative: boolean
  readonly truncated: boolean
  readonly recursionDesired: boolean
  readonly recursionAvailable: boolean
  readonly answers: readonly ResourceRecord[]
  readonly authorities: readonly ResourceRecord[]
  readonly additionals: readonly ResourceRecord[]
  readonly opts: readonly Opt[]
}

export interface ResourceRecord {
  readonly name: string
  readonly type: string
  readonly ttlSeconds: number
  /** What the codec gives, as JSON where it is no string. */
  readonly data: string
}

export interface Opt {
  readonly version: number
  readonly flags: number
  readonly optionCodes: readonly number[]
}

export interface Sending {
  /** A pod on the first edge node unless told. */
  readonly at?: Position
  /** Where to; the target's name server unless told. */
  readonly server?: { readonly address: string; readonly port: number }
  /** Datagrams to wait for; as many as were sent unless told. */
  readonly expect?: number
  /** Listens so long for datagrams that should not come. */
  readonly lingerMs?: number
  readonly timeoutMs?: number
}

/** Messages of one socket, and when each is sent, 0 unless told. */
export type Socket = readonly (Buffer | { readonly bytes: Buffer; readonly atMs: number })[]

export interface Received {
  readonly replies: readonly Reply[]
  /** Where each socket was bound, `ADDRESS:PORT`. */
  readonly local: readonly string[]
  readonly failures: readonly string[]
}

/**
 * Sends datagrams from sockets that take answers from anywhere, and gives all that came.
 * @throws Error when the probe gave no packets
 */
export async function exchange(
  context: CheckContext,
  sockets: readonly Socket[],
  sending: Sending = {},
): Promise<Received> {
  const { at = inPod(context), server = dnsServer(context), lingerMs = 0 } = sending
  const count = sockets.reduce((sum, socket) => sum + socket.length, 0)
  const probe = await context.probe(at)
  const seen = await probe.run(
    {
      kind: 'packets',
      host: server.address,
      port: server.port,
      sockets: sockets.map((socket) => ({
        connected: false,
        send: socket.map((one) => {
          const { bytes, atMs } = Buffer.isBuffer(one) ? { bytes: one, atMs: 0 } : one
          return { atMs, base64: bytes.toString('base64') }
        }),
      })),
      expect: sending.expect ?? count,
      lingerMs,
      timeoutMs: sending.timeoutMs ?? stubTimeoutMs,
    },
    context,
  )
  if (seen.kind !== 'packets') throw new Error(`want packets, got ${describe(seen)}`)
  return {
    replies: seen.received.map(({ base64, from, ...rest }) =>
      reply(Buffer.from(base64, 'base64'), { ...rest, from: `${from.address}:${from.port}` }),
    ),
    local: seen.local.map(({ address, port }) => `${address}:${port}`),
    failures: seen.failures.map(({ kind, detail }) => `${kind}: ${detail}`),
  }
}

/** Each message from a socket of its own; the reply to each, undefined where none came. */
export async function askRaw(
  context: CheckContext,
  messages: readonly Buffer[],
  sending: Sending = {},
): Promise<readonly (Reply | undefined)[]> {
  const { replies } = await exchange(
    context,
    messages.map((one) => [one]),
    sending,
  )
  return messages.map((_, index) => replies.find(({ socket }) => socket === index))
}

/** One message over TCP, whose reply is waited for. `segments` cuts what is sent. */
export async function askTcp(
  context: CheckContext,
  messages: readonly Buffer[],
  more: {
    readonly segments?: readonly number[]
    readonly end?: boolean
    readonly at?: Position
  } = {},
): Promise<readonly Reply[]> {
  const { address: host, port } = dnsServer(context)
  const probe = await context.probe(more.at ?? inPod(context))
  const stream = await probe.stream({ host, port, timeoutMs: stubTimeoutMs }, context)
  try {
    if (stream.opened.kind !== 'opened') return []
    const { segments } = more
    const bytes = Buffer.concat(messages.map(framed))
    const sent = { do: 'send', base64: bytes.toString('base64'), gapMs: 20 } as const
    await stream.play(
      [
        segments === undefined ? sent : { ...sent, segments },
        ...(more.end === true ? [{ do: 'end' } as const] : []),
      ],
      context,
    )
    const startedAt = performance.now()
    const read = async (bytes: number): Promise<Buffer | undefined> => {
      const withinMs = Math.max(1, Math.ceil(stubTimeoutMs - (performance.now() - startedAt)))
      const step = { do: 'read', until: { bytes }, withinMs } as const
      const { base64, complete } = await stream.play([step], context)
      return complete ? Buffer.from(base64, 'base64') : undefined
    }
    const replies: Reply[] = []
    while (replies.length < messages.length) {
      const length = await read(2)
      const body = length === undefined ? undefined : await read(length.readUInt16BE(0))
      if (body === undefined) break
      replies.push(reply(body, { from: '', socket: 0, atMs: 0 }))
    }
    return replies
  } finally {
    await stream[Symbol.asyncDispose]()
  }
}

export function reply(bytes: Buffer, rest: Pick<Reply, 'from' | 'socket' | 'atMs'>): Reply {
  return { bytes, message: decoded(bytes), ...rest }
}

/** One reply in a line: `NOERROR AA TC A 10.96.0.7`. */
export function describeReply(seen: Reply | undefined): string {
  if (seen === undefined) return 'no reply'
  const { message, bytes } = seen
  if (message === undefined) return `no DNS message: ${bytes.toString('hex')}`
  const flags = [message.authoritative ? ' AA' : '', message.truncated ? ' TC' : ''].join('')
  const shown = message.answers.slice(0, 4).map(({ type, data }) => `${type} ${data}`)
  const more = message.answers.length > shown.length ? `, ${message.answers.length} in all` : ''
  const soa = message.authorities.map(({ type, name }) => ` (${type} of ${name || '.'})`).join('')
  return `${message.rcode}${flags} ${shown.join(', ')}${more}${soa}`.trim()
}

/** Response code, or `no reply`. */
export function rcodeOf(seen: Reply | undefined): string {
  return seen === undefined ? 'no reply' : (seen.message?.rcode ?? 'malformed')
}

/** Data of the answers of one type, sorted. */
export function rdataOf(seen: Reply | undefined, type: string): readonly string[] {
  const answers = seen?.message?.answers ?? []
  return answers
    .filter((answer) => answer.type === type)
    .map(({ data }) => data)
    .sort()
}

const badVersion = 16

function decoded(bytes: Buffer): Message | undefined {
  try {
    const read = packet.decode(bytes)
    const flags = bytes.readUInt16BE(2)
    const additional = read.additionals ?? []
    const opts = additional.flatMap((one) => (one.type === 'OPT' ? [one] : []))
    const code = (flags & 0xf) | ((opts[0]?.extendedRcode ?? 0) << 4)
    return {
      id: bytes.readUInt16BE(0),
      isResponse: read.flag_qr,
      opcode: (flags >> 11) & 0xf,
      rcode: code === badVersion ? 'BADVERS' : (rcodeNames[code] ?? `RCODE${code}`),
      authoritative: read.flag_aa,
      truncated: read.flag_tc,
      recursionDesired: read.flag_rd,
      recursionAvailable: read.flag_ra,
      answers: (read.answers ?? []).map(record),
      authorities: (read.authorities ?? []).map(record),
      additionals: additional.filter(({ type }) => type !== 'OPT').map(record),
      opts: opts.map(({ ednsVersion, flags: bits, options }) => ({
        version: ednsVersion,
        flags: bits,
        optionCodes: options.map((option) => option.code),
      })),
    }
  } catch {
    return undefined
  }
}

const rcodeNames = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED']

function record(answer: Answer): ResourceRecord {
  const { name, type } = answer
  const data: unknown = 'data' in answer ? answer.data : undefined
  return {
    name,
    type,
    ttlSeconds: 'ttl' in answer ? (answer.ttl ?? 0) : 0,
    data: typeof data === 'string' ? data : shown(type, data),
  }
}

function shown(type: string, data: unknown): string {
  if (type === 'TXT') return [data].flat().map(String).join('')
  return JSON.stringify(data)
}

function describe(seen: Observation): string {
  return 'detail' in seen ? `${seen.kind}: ${seen.detail}` : seen.kind
}
