import packet, { type Answer, type DecodedPacket } from 'dns-packet'
import type { DnsJob, DnsRecord } from '../model/probe.ts'
import { typeNumber } from './dns-query.ts'
import { malformed } from './failure.ts'
import type { Finding } from './run.ts'

/** dns-packet reads the answers: not the codec of any target. */
type Decoded = DecodedPacket & { readonly rcode?: string }

/** What an answer says, or why it is none to this question. */
export function readAnswer(message: Buffer, id: number, { name, type }: DnsJob): Finding {
  let decoded: Decoded
  try {
    decoded = packet.decode(message)
  } catch (error) {
    return malformed(`the answer of ${message.length} bytes cannot be read: ${String(error)}`)
  }
  if (decoded.id !== id) return malformed(`the answer has id ${String(decoded.id)}, want ${id}`)
  if (decoded.type !== 'response') return malformed('the answer is a query')
  const [question] = decoded.questions ?? []
  // why: some servers leave the question out of an error; with another question it is another answer
  if (question !== undefined && !isSame(question, name, type))
    return malformed(`the answer is to ${question.name} ${question.type}, not to ${name} ${type}`)
  return {
    kind: 'dns',
    rcode: decoded.rcode ?? `RCODE_${message.readUInt8(3) & 0x0f}`,
    authoritative: decoded.flag_aa,
    truncated: decoded.flag_tc,
    recursionAvailable: decoded.flag_ra,
    answers: records(decoded.answers),
    authorities: records(decoded.authorities),
    additionals: records(decoded.additionals),
    sizeBytes: message.length,
  }
}

function isSame(
  question: { readonly name: string; readonly type: string },
  name: string,
  type: string,
): boolean {
  const plain = (one: string): string => one.toLowerCase().replace(/\.$/, '').replace(/\\/g, '')
  return (
    (/\\\d/.test(name) || plain(question.name) === plain(name)) &&
    typeNumber(typeName(question.type)) === typeNumber(type)
  )
}

/** dns-packet calls what it does not know `UNKNOWN_65`; RFC 3597 calls it `TYPE65`. */
function typeName(type: string): string {
  return type.replace(/^UNKNOWN_/, 'TYPE')
}

function records(all: readonly Answer[] = []): readonly DnsRecord[] {
  return all.flatMap((one) =>
    one.type === 'OPT'
      ? []
      : [
          {
            name: one.name,
            type: typeName(one.type),
            ttlSeconds: ('ttl' in one ? one.ttl : undefined) ?? 0,
            data: presentation(one),
          },
        ],
  )
}

function presentation(record: Answer): string {
  const data: unknown = 'data' in record ? record.data : undefined
  switch (record.type) {
    case 'SRV':
      return `${record.data.priority ?? 0} ${record.data.weight ?? 0} ${record.data.port} ${record.data.target}`
    case 'MX':
      return `${record.data.preference ?? 0} ${record.data.exchange}`
    case 'SOA': {
      const {
        mname,
        rname,
        serial = 0,
        refresh = 0,
        retry = 0,
        expire = 0,
        minimum = 0,
      } = record.data
      return `${mname} ${rname} ${serial} ${refresh} ${retry} ${expire} ${minimum}`
    }
    case 'TXT':
      return (Array.isArray(data) ? data : [data]).map(String).join(' ')
    default:
      return unknownData(data)
  }
}

/** RFC 3597 section 5 for what has no form of its own. */
function unknownData(data: unknown): string {
  if (typeof data === 'string') return data
  return Buffer.isBuffer(data)
    ? `\\# ${data.length} ${data.toString('hex')}`.trimEnd()
    : JSON.stringify(data)
}
