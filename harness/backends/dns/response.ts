import packet, { type Answer } from 'dns-packet'
import type { Query } from './query.ts'

/** Codes of RFC 1035 section 4.1.1. */
export const rcodes: Readonly<Record<string, number>> = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
}

export interface Contents {
  readonly rcode: string
  readonly answers?: readonly Answer[]
  readonly authorities?: readonly Answer[]
  readonly truncated?: boolean
}

/** The payload that every client takes over UDP (RFC 1035 section 2.3.4). */
const plainPayloadBytes = 512

/**
 * An answer of a recursive name server: RA, the question as it was asked, OPT when the query had one.
 * @param changes - what is false in a forged one
 */
export function response(
  query: Query,
  { rcode, answers = [], authorities = [], truncated = false }: Contents,
  changes: { readonly id?: number; readonly name?: string } = {},
): Buffer {
  const flags =
    packet.RECURSION_AVAILABLE |
    (query.recursionDesired ? packet.RECURSION_DESIRED : 0) |
    (truncated ? packet.TRUNCATED_RESPONSE : 0) |
    (rcodes[rcode] ?? 0)
  const opt: Answer = {
    type: 'OPT',
    name: '.',
    udpPayloadSize: 1232,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  }
  return packet.encode({
    type: 'response',
    id: changes.id ?? query.id,
    flags,
    questions: [{ ...query.question, name: changes.name ?? query.question.name }],
    answers: [...answers],
    authorities: [...authorities],
    ...(query.edns !== undefined && { additionals: [opt] }),
  })
}

/** For a datagram: what does not fit becomes TC without records. */
export function fitted(query: Query, contents: Contents): Buffer {
  const whole = response(query, contents)
  const room = Math.max(plainPayloadBytes, query.edns?.payloadBytes ?? 0)
  return whole.length <= room ? whole : response(query, { rcode: contents.rcode, truncated: true })
}

/** FORMERR with what can be known of the query; undefined when not even its id came. */
export function formatError(message: Buffer): Buffer | undefined {
  if (message.length < 12) return undefined
  const header = Buffer.alloc(12)
  message.copy(header, 0, 0, 2)
  header.writeUInt16BE(0x8000 | (rcodes['FORMERR'] ?? 0), 2)
  return header
}

/** An answer of a liar. */
export function forged(query: Query, what: 'id' | 'question' | 'source-port'): Buffer {
  const data = query.type === 'AAAA' ? '6666::6666' : '6.6.6.6'
  const type = query.type === 'AAAA' ? 'AAAA' : 'A'
  const answers: readonly Answer[] = [{ name: query.name, type, class: 'IN', ttl: 3600, data }]
  return response(
    query,
    { rcode: 'NOERROR', answers },
    {
      ...(what === 'id' && { id: query.id ^ 1 }),
      ...(what === 'question' && { name: `forged.${query.name}` }),
    },
  )
}
