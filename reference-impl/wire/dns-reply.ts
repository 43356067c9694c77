import {
  ednsUdpBytes,
  flag,
  headerBytes,
  optBytes,
  plainUdpBytes,
  recordType,
  responseCode,
} from './dns-constants.ts'
import type { BadQuery, Edns, Query } from './dns-query.ts'
import type { Template } from './dns-writer.ts'

const maxTcpBytes = 65_535

/** How large an answer to this query may be. */
export function sizeLimit(edns: Edns | undefined, overTcp: boolean): number {
  if (overTcp) return maxTcpBytes
  return edns === undefined ? plainUdpBytes : Math.min(edns.sizeBytes, ednsUdpBytes)
}

/**
 * The answer to one query out of a template: the query's ID, its RD bit and its question as it was written (0x20),
 * OPT exactly when the query had one (RFC 6891 §7), cut after a whole record with TC when it is larger than `limit`.
 */
export function reply(
  template: Template,
  message: Buffer,
  { flags, questionEnd, edns }: Query,
  limit: number,
): Buffer {
  const { bytes } = template
  const optSize = edns === undefined ? 0 : optBytes
  const whole = bytes.length + optSize <= limit
  const length = whole ? bytes.length : cutLength(template, limit - optSize)
  const out = Buffer.allocUnsafe(length + optSize)
  bytes.copy(out, 0, 0, length)
  message.copy(out, headerBytes, headerBytes, questionEnd)
  out[0] = message[0] as number
  out[1] = message[1] as number
  // why: RD is the lowest bit of the third octet, CD of the fourth; both are copied (RFC 1035 §4.1.1, RFC 4035 §3.2.2)
  out[2] = (bytes[2] as number) | ((flags >> 8) & 1)
  out[3] = (bytes[3] as number) | (flags & flag.checkingDisabled)
  if (!whole) {
    out[2] |= flag.truncated >> 8
    setCounts(out, template, length)
  }
  if (edns !== undefined) appendOpt(out, length, edns, 0)
  return out
}

/** A bare header, for queries whose question cannot be echoed. */
export function bareReply(message: Buffer, { flags, code }: BadQuery): Buffer {
  const out = Buffer.alloc(headerBytes)
  message.copy(out, 0, 0, 2)
  const opcode = flags & 0x7800
  out.writeUInt16BE(flag.response | opcode | (flags & flag.recursionDesired) | code, 2)
  return out
}

/** Answer to an EDNS version that does not exist yet (RFC 6891 §6.1.3). */
export function badVersionReply(
  message: Buffer,
  { flags, questionEnd }: Query,
  edns: Edns,
): Buffer {
  const out = Buffer.alloc(questionEnd + optBytes)
  message.copy(out, 0, 0, questionEnd)
  out.writeUInt16BE(flag.response | (flags & flag.recursionDesired), 2)
  out.fill(0, 6, headerBytes)
  appendOpt(out, questionEnd, edns, responseCode.BADVERS >> 4)
  return out
}

function appendOpt(out: Buffer, at: number, edns: Edns, extendedCode: number): void {
  out[at] = 0
  out.writeUInt16BE(recordType.OPT, at + 1)
  out.writeUInt16BE(ednsUdpBytes, at + 3)
  out[at + 5] = extendedCode
  out[at + 6] = 0
  out.writeUInt16BE(edns.dnssecOk ? 0x8000 : 0, at + 7)
  out.writeUInt16BE(0, at + 9)
  out.writeUInt16BE(out.readUInt16BE(10) + 1, 10)
}

/** The longest prefix of whole records that fits. */
function cutLength({ questionEnd, recordEnds }: Template, limit: number): number {
  let length = questionEnd
  for (const end of recordEnds) {
    if (end > limit) break
    length = end
  }
  return length
}

/** Corrects the record counts of a message that was cut at `length`. */
function setCounts(out: Buffer, { recordEnds }: Template, length: number): void {
  let left = recordEnds.filter((end) => end <= length).length
  for (const at of [6, 8, 10]) {
    const kept = Math.min(left, out.readUInt16BE(at))
    out.writeUInt16BE(kept, at)
    left -= kept
  }
}
