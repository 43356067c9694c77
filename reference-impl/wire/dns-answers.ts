import { headerBytes, recordType } from './dns-constants.ts'
import { readName, skipName, skipPlainName, type Name } from './dns-name.ts'
import type { RawData, RecordData, ResourceRecord } from './dns-record.ts'

/**
 * The answer section of a response, for use in another message: names are read out, everything else is kept as bytes.
 * Records of types whose data may hold compressed names that we do not read (SOA, MX, ...; RFC 3597 §4) are left out.
 */
export function readAnswers(message: Buffer): readonly ResourceRecord[] {
  const records: ResourceRecord[] = []
  let at = skipPlainName(message, headerBytes) + 4
  for (let left = message.readUInt16BE(6); left > 0; left -= 1) {
    const name = readName(message, at)
    const fixed = skipName(message, at)
    if (name === undefined || fixed < 0 || fixed + 10 > message.length) return records
    const end = fixed + 10 + message.readUInt16BE(fixed + 8)
    if (end > message.length) return records
    const data = readData(message, message.readUInt16BE(fixed), fixed + 10, end)
    if (data !== undefined)
      records.push({ name, ttlSeconds: message.readUInt32BE(fixed + 4) & 0x7fffffff, data })
    at = end
  }
  return records
}

const singleName: Readonly<Record<number, 'CNAME' | 'PTR' | 'NS' | undefined>> = {
  [recordType.CNAME]: 'CNAME',
  [recordType.PTR]: 'PTR',
  [recordType.NS]: 'NS',
}

/** Types of RFC 1035 whose data holds names that may be compressed. */
const compressible = new Set([3, 4, 6, 7, 8, 9, 14])

const mx = 15

function readData(
  message: Buffer,
  code: number,
  from: number,
  end: number,
): RecordData | RawData | undefined {
  const type = singleName[code]
  if (type !== undefined) {
    const target = readName(message, from)
    return target === undefined ? undefined : { type, target }
  }
  if (compressible.has(code)) return undefined
  if (code !== mx) return { type: 'raw', code, bytes: Buffer.from(message.subarray(from, end)) }
  const exchange = end - from < 3 ? undefined : readName(message, from + 2)
  if (exchange === undefined) return undefined
  const bytes = Buffer.concat([message.subarray(from, from + 2), plainName(exchange)])
  return { type: 'raw', code, bytes }
}

function plainName(name: Name): Buffer {
  const labels = name.map((label) =>
    Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')]),
  )
  return Buffer.concat([...labels, Buffer.from([0])])
}
