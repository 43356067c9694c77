import type { DnsJob } from '../model/probe.ts'

/** What is asked: a job without the way it is sent. */
export type Query = Pick<DnsJob, 'name' | 'type' | 'recursionDesired' | 'edns'>

/** Types by their IANA number; any other as `TYPE65` (RFC 3597 section 5). */
const types: Readonly<Record<string, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  NULL: 10,
  HINFO: 13,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  LOC: 29,
  SRV: 33,
  NAPTR: 35,
  DNAME: 39,
  DS: 43,
  SSHFP: 44,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  TLSA: 52,
  SVCB: 64,
  HTTPS: 65,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
  CAA: 257,
}

const classIn = 1
const optType = 41

/** @returns undefined for a type that has no number */
export function typeNumber(type: string): number | undefined {
  const known = types[type.toUpperCase()]
  if (known !== undefined) return known
  const number = Number(/^TYPE(\d{1,5})$/i.exec(type)?.[1])
  return number <= 0xffff ? number : undefined
}

/** @returns what is wrong with a name, or undefined for one that can be asked for */
export function nameProblem(name: string): string | undefined {
  try {
    encodeName(name)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** Writes a query (RFC 1035 section 4.1, EDNS by RFC 6891). The name's letters keep their case. */
export function encodeQuery(
  id: number,
  { name, type, recursionDesired = true, edns }: Query,
): Buffer {
  const head = Buffer.alloc(12)
  head.writeUInt16BE(id, 0)
  head.writeUInt16BE(recursionDesired ? 0x0100 : 0, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(edns === undefined ? 0 : 1, 10)
  const tail = Buffer.alloc(4)
  tail.writeUInt16BE(typeNumber(type) ?? 0, 0)
  tail.writeUInt16BE(classIn, 2)
  return Buffer.concat([
    head,
    encodeName(name),
    tail,
    ...(edns === undefined ? [] : [optRecord(edns)]),
  ])
}

/**
 * A name as labels (RFC 1035 section 3.1); `\.` and `\046` stand for a dot inside a label (section 5.1).
 * @throws RangeError for an empty label, one over 63 bytes, or a name over 255
 */
function encodeName(name: string): Buffer {
  const labels = name === '.' ? [] : splitLabels(name.replace(/(?<!\\)\.$/, ''))
  const parts = labels.map((label) => {
    const bytes = labelBytes(label)
    if (bytes.length === 0 || bytes.length > 63)
      throw new RangeError(`label ${JSON.stringify(label)} has ${bytes.length} bytes, want 1 to 63`)
    return Buffer.concat([Buffer.of(bytes.length), bytes])
  })
  const encoded = Buffer.concat([...parts, Buffer.of(0)])
  if (encoded.length > 255)
    throw new RangeError(`the name has ${encoded.length} bytes, want 255 at most`)
  return encoded
}

function splitLabels(name: string): readonly string[] {
  return name.match(/(?:\\.|[^.\\])+|(?<=\.)(?=\.|$)|^(?=\.|$)/gs) ?? []
}

function labelBytes(label: string): Buffer {
  const text = label.replace(/\\(?:(\d{3})|(.))/gs, (_, code?: string, plain?: string) =>
    code === undefined ? (plain ?? '') : String.fromCharCode(Number(code)),
  )
  return /\\\d{3}/.test(label) ? Buffer.from(text, 'latin1') : Buffer.from(text, 'utf8')
}

function optRecord({ payloadBytes, dnssecOk }: NonNullable<DnsJob['edns']>): Buffer {
  const record = Buffer.alloc(11)
  record.writeUInt16BE(optType, 1)
  record.writeUInt16BE(payloadBytes, 3)
  record.writeUInt16BE(dnssecOk ? 0x8000 : 0, 7)
  return record
}
