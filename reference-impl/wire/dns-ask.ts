import { ednsUdpBytes, flag, headerBytes, recordType } from './dns-constants.ts'
import type { Name } from './dns-name.ts'

/** What we ask another server, without an ID. */
export interface Question {
  /** Question section in wire form. */
  readonly bytes: Buffer
  /** DO and CD of the client's query: their answers differ (RFC 4035 §3.2). */
  readonly dnssecOk: boolean
  readonly checkingDisabled: boolean
}

/** A query with recursion desired and EDNS. */
export function writeAsk(id: number, { bytes, dnssecOk, checkingDisabled }: Question): Buffer {
  const out = Buffer.alloc(headerBytes + bytes.length + 11)
  out.writeUInt16BE(id, 0)
  out.writeUInt16BE(flag.recursionDesired | (checkingDisabled ? flag.checkingDisabled : 0), 2)
  out.writeUInt16BE(1, 4)
  out.writeUInt16BE(1, 10)
  let at = headerBytes + bytes.copy(out, headerBytes)
  at = out.writeUInt8(0, at)
  at = out.writeUInt16BE(recordType.OPT, at)
  at = out.writeUInt16BE(ednsUdpBytes, at)
  at = out.writeUInt16BE(0, at)
  out.writeUInt16BE(dnssecOk ? 0x8000 : 0, at)
  return out
}

/** The question section for a name; labels must fit (see `isEncodable`). */
export function questionBytes(name: Name, type: number): Buffer {
  const parts = name.map((label) =>
    Buffer.from(String.fromCharCode(label.length) + label, 'latin1'),
  )
  return Buffer.concat([...parts, Buffer.from([0, type >> 8, type & 0xff, 0, 1])])
}
