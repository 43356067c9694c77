import { flag, headerBytes, recordType, responseCode } from './dns-constants.ts'
import { skipName, skipPlainName } from './dns-name.ts'
import { questionKey } from './dns-query.ts'

/** A response that another server gave, as far as passing it on needs it. */
export interface Response {
  readonly id: number
  readonly flags: number
  readonly code: number
  /** See `Query.key`. */
  readonly key: string
  readonly questionEnd: number
  /** Offset just past each record that is passed on: all up to an OPT record. */
  readonly recordEnds: readonly number[]
  /** Records passed on per section. */
  readonly counts: readonly [number, number, number]
  /** Where the TTL of each of these records stands. */
  readonly ttlOffsets: readonly number[]
  /** How long the response may be kept, by the smallest TTL or, for negative answers, RFC 2308 §5; 0 = not at all. */
  readonly lifetimeSeconds: number
}

/** @returns undefined when the bytes are not a well-formed response to a single question */
export function parseResponse(message: Buffer): Response | undefined {
  if (message.length < headerBytes || message.readUInt16BE(4) !== 1) return undefined
  const flags = message.readUInt16BE(2)
  if ((flags & flag.response) === 0 || ((flags >> 11) & 0xf) !== 0) return undefined
  const nameEnd = skipPlainName(message, headerBytes)
  if (nameEnd < 0 || nameEnd + 4 > message.length) return undefined
  const records = walk(message, nameEnd + 4)
  if (records === undefined) return undefined
  const code = (flags & 0xf) | (records.extendedCode << 4)
  return {
    id: message.readUInt16BE(0),
    flags,
    code,
    key: questionKey(message, nameEnd),
    questionEnd: nameEnd + 4,
    recordEnds: records.ends,
    counts: records.counts,
    ttlOffsets: records.ttlOffsets,
    lifetimeSeconds: lifetime(code, records),
  }
}

interface Records {
  readonly ends: number[]
  readonly counts: [number, number, number]
  readonly ttlOffsets: number[]
  extendedCode: number
  smallestTtl: number
  negativeTtl: number | undefined
}

/** Records after an OPT are not passed on: the OPT concerns two neighbours only, and cutting it out would move them. */
function walk(message: Buffer, from: number): Records | undefined {
  const records: Records = {
    ends: [],
    counts: [0, 0, 0],
    ttlOffsets: [],
    extendedCode: 0,
    smallestTtl: Infinity,
    negativeTtl: undefined,
  }
  let at = from
  let afterOpt = false
  for (const section of [0, 1, 2] as const) {
    for (let left = message.readUInt16BE(6 + 2 * section); left > 0; left -= 1) {
      const fixed = skipName(message, at)
      if (fixed < 0 || fixed + 10 > message.length) return undefined
      const type = message.readUInt16BE(fixed)
      const end = fixed + 10 + message.readUInt16BE(fixed + 8)
      if (end > message.length) return undefined
      if (type === recordType.OPT) {
        records.extendedCode = message[fixed + 4] as number
        afterOpt = true
      } else if (!afterOpt) {
        keep(records, message, section, { type, fixed, end })
      }
      at = end
    }
  }
  return records
}

function keep(
  records: Records,
  message: Buffer,
  section: 0 | 1 | 2,
  { type, fixed, end }: { type: number; fixed: number; end: number },
): void {
  const ttl = signedTtl(message.readUInt32BE(fixed + 4))
  records.ends.push(end)
  records.counts[section] += 1
  records.ttlOffsets.push(fixed + 4)
  records.smallestTtl = Math.min(records.smallestTtl, ttl)
  if (section === 1 && type === recordType.SOA && end - fixed >= 30)
    records.negativeTtl = Math.min(ttl, signedTtl(message.readUInt32BE(end - 4)))
}

/** RFC 2181 §8: a TTL with the topmost bit set counts as zero. */
function signedTtl(value: number): number {
  return value > 0x7fffffff ? 0 : value
}

function lifetime(code: number, { counts, smallestTtl, negativeTtl }: Records): number {
  const negative = code === responseCode.NXDOMAIN || counts[0] === 0
  if (code !== responseCode.NOERROR && code !== responseCode.NXDOMAIN) return 0
  if (negative) return Math.min(negativeTtl ?? 0, smallestTtl)
  return Number.isFinite(smallestTtl) ? smallestTtl : 0
}
