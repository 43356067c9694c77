import { flag, headerBytes, plainUdpBytes, recordType, responseCode } from './dns-constants.ts'
import { skipName, skipPlainName } from './dns-name.ts'

/** A question that can be answered, and what the asker's message says about the answer. */
export interface Query {
  readonly kind: 'query'
  /** Second header word as it came. */
  readonly flags: number
  /** Offset just past the question. */
  readonly questionEnd: number
  readonly type: number
  readonly class: number
  /** Question in wire form with its name in lower case, one character per byte: equal for equal questions. */
  readonly key: string
  readonly edns: Edns | undefined
}

/** What an OPT record says (RFC 6891 §6.1). */
export interface Edns {
  /** Largest datagram that the sender takes, at least 512. */
  readonly sizeBytes: number
  readonly version: number
  readonly dnssecOk: boolean
}

/** A message to be refused with a bare header. */
export interface BadQuery {
  readonly kind: 'bad'
  readonly flags: number
  readonly code: number
}

/**
 * Reads a query (RFC 1035 §4.1, RFC 9619: exactly one question). Bytes after the last record are ignored.
 * @returns undefined for what must get no answer at all: shorter than a header, or itself a response
 */
export function parseQuery(message: Buffer): Query | BadQuery | undefined {
  if (message.length < headerBytes) return undefined
  const flags = ((message[2] as number) << 8) | (message[3] as number)
  if ((flags & flag.response) !== 0) return undefined
  const opcode = (flags >> 11) & 0xf
  if (opcode !== 0) return { kind: 'bad', flags, code: responseCode.NOTIMP }
  if (word(message, 4) !== 1) return { kind: 'bad', flags, code: responseCode.FORMERR }
  const nameEnd = skipPlainName(message, headerBytes)
  const questionEnd = nameEnd + 4
  if (nameEnd < 0 || questionEnd > message.length)
    return { kind: 'bad', flags, code: responseCode.FORMERR }
  const edns = findEdns(message, questionEnd)
  if (edns === 'malformed') return { kind: 'bad', flags, code: responseCode.FORMERR }
  return {
    kind: 'query',
    flags,
    questionEnd,
    type: word(message, nameEnd),
    class: word(message, nameEnd + 2),
    key: questionKey(message, nameEnd),
    edns,
  }
}

const scratch = Buffer.alloc(260)

/** The question's key, see `Query.key`. `message` may be a response as well: its question starts at the same place. */
export function questionKey(message: Buffer, nameEnd: number): string {
  let upper = false
  for (let i = headerBytes; i < nameEnd; i += 1) {
    const byte = message[i] as number
    // why: length bytes are at most 63, below the letters
    if (byte >= 65 && byte <= 90) {
      upper = true
      break
    }
  }
  if (!upper) return message.toString('latin1', headerBytes, nameEnd + 4)
  const end = nameEnd + 4 - headerBytes
  message.copy(scratch, 0, headerBytes, nameEnd + 4)
  for (let i = 0; i < end - 4; i += 1) {
    const byte = scratch[i] as number
    if (byte >= 65 && byte <= 90) scratch[i] = byte | 0x20
  }
  return scratch.toString('latin1', 0, end)
}

/** The one OPT record among the records after the question; two of them are an error (RFC 6891 §6.1.1). */
function findEdns(message: Buffer, from: number): Edns | undefined | 'malformed' {
  const before = word(message, 6) + word(message, 8)
  const total = before + word(message, 10)
  let found: Edns | undefined
  let at = from
  for (let i = 0; i < total; i += 1) {
    const owner = at
    at = skipName(message, at)
    if (at < 0 || at + 10 > message.length) return 'malformed'
    const type = word(message, at)
    if (type === recordType.OPT) {
      if (found !== undefined || i < before || message[owner] !== 0) return 'malformed'
      found = {
        sizeBytes: Math.max(plainUdpBytes, word(message, at + 2)),
        version: message[at + 5] as number,
        dnssecOk: ((message[at + 6] as number) & 0x80) !== 0,
      }
    }
    at += 10 + word(message, at + 8)
    if (at > message.length) return 'malformed'
  }
  return found
}

function word(message: Uint8Array, at: number): number {
  return ((message[at] as number) << 8) | (message[at + 1] as number)
}
