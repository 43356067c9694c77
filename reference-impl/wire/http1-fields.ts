/** Field lines of HTTP/1.1 messages (RFC 9112 §5): found and checked in one pass, kept as offsets, never copied. */
import {
  byteClass,
  COLON,
  CR,
  equalsIgnoringCase,
  HT,
  LF,
  SP,
  tokenByte,
  valueByte,
} from './http1-bytes.ts'

/** Field names that decide about framing, routing or the connection itself. */
export const fieldKind = {
  other: 0,
  connection: 1,
  keepAlive: 2,
  proxyConnection: 3,
  te: 4,
  upgrade: 5,
  transferEncoding: 6,
  contentLength: 7,
  host: 8,
  expect: 9,
  forwardedFor: 10,
} as const

/** More field lines than this in one message are refused with 431. */
export const maxFieldLines = 200

/** Outcome of a parse that is not an offset. */
export const incomplete = 0
export const malformed = -1

/** Why a message was refused: the status that a client is told (RFC 9110 §15.5) and a cause in words. */
export interface Refusal {
  readonly status: 400 | 405 | 414 | 431 | 501 | 505
  readonly cause: string
}

const known: readonly (readonly [name: Uint8Array, kind: number])[] = [
  [Buffer.from('connection'), fieldKind.connection],
  [Buffer.from('keep-alive'), fieldKind.keepAlive],
  [Buffer.from('proxy-connection'), fieldKind.proxyConnection],
  [Buffer.from('te'), fieldKind.te],
  [Buffer.from('upgrade'), fieldKind.upgrade],
  [Buffer.from('transfer-encoding'), fieldKind.transferEncoding],
  [Buffer.from('content-length'), fieldKind.contentLength],
  [Buffer.from('host'), fieldKind.host],
  [Buffer.from('expect'), fieldKind.expect],
  [Buffer.from('x-forwarded-for'), fieldKind.forwardedFor],
]

/** Bit n is set when a known name has n octets: most names are dismissed by this alone. */
const knownLengths = known.reduce((bits, [name]) => bits | (1 << name.length), 0)

/**
 * The field lines of one message as offsets into the buffer it was parsed from. Made once and used again for the
 * next message: line `i` spans `nameStart[i]` to `nameStart[i + 1]` (its CRLF included), so that runs of lines can
 * be forwarded as one slice.
 */
export class FieldLines {
  readonly nameStart: Int32Array = new Int32Array(maxFieldLines + 1)
  readonly nameEnd: Int32Array = new Int32Array(maxFieldLines)
  readonly valueStart: Int32Array = new Int32Array(maxFieldLines)
  readonly valueEnd: Int32Array = new Int32Array(maxFieldLines)
  readonly kind: Uint8Array = new Uint8Array(maxFieldLines)
  count = 0
  /** Bit n is set when a line of kind n is present. */
  kinds = 0
  refusal: Refusal | undefined

  /**
   * Parses from `at`, the first byte after the start line.
   * @returns the offset after the empty line that ends the section, `incomplete`, or `malformed` with `refusal` set
   */
  parse(bytes: Uint8Array, at: number, end: number): number {
    let count = 0
    let position = at
    this.kinds = 0
    this.count = 0
    for (;;) {
      if (position >= end) return incomplete
      let byte = bytes[position] as number
      if (byte === CR) {
        if (position + 1 >= end) return incomplete
        if (bytes[position + 1] !== LF) return this.#refuse(400, 'bare CR in the header section')
        this.nameStart[count] = position
        this.count = count
        return position + 2
      }
      if (count === maxFieldLines)
        return this.#refuse(431, `more than ${maxFieldLines} header fields`)
      const nameStart = position
      while (((byteClass[byte] as number) & tokenByte) !== 0) {
        position += 1
        if (position >= end) return incomplete
        byte = bytes[position] as number
      }
      if (byte !== COLON || position === nameStart) return this.#refuse(400, nameProblem(byte))
      const nameEnd = position
      position += 1
      while (position < end && (bytes[position] === SP || bytes[position] === HT)) position += 1
      const valueStart = position
      while (
        position < end &&
        ((byteClass[bytes[position] as number] as number) & valueByte) !== 0
      ) {
        position += 1
      }
      if (position + 1 >= end) {
        // why: a lone CR may still become CRLF, any other control byte never turns legal
        if (position < end && bytes[position] !== CR) return this.#refuse(400, valueProblem)
        return incomplete
      }
      if (bytes[position] !== CR || bytes[position + 1] !== LF)
        return this.#refuse(400, valueProblem)
      let valueEnd = position
      while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HT)) {
        valueEnd -= 1
      }
      const kind = kindOf(bytes, nameStart, nameEnd)
      this.nameStart[count] = nameStart
      this.nameEnd[count] = nameEnd
      this.valueStart[count] = valueStart
      this.valueEnd[count] = valueEnd
      this.kind[count] = kind
      this.kinds |= 1 << kind
      count += 1
      position += 2
    }
  }

  /** Whether at least one line of this kind is present. */
  has(kind: number): boolean {
    return (this.kinds & (1 << kind)) !== 0
  }

  #refuse(status: Refusal['status'], cause: string): number {
    this.refusal = { status, cause }
    return malformed
  }
}

const valueProblem = 'NUL, bare CR, bare LF or another control character in a field value'

function nameProblem(byte: number): string {
  if (byte === SP || byte === HT) return 'white space in or before a field name (or a folded line)'
  if (byte === LF) return 'bare LF in the header section'
  return 'character that is not allowed in a field name'
}

function kindOf(bytes: Uint8Array, from: number, to: number): number {
  const length = to - from
  if (length > 17 || (knownLengths & (1 << length)) === 0) return fieldKind.other
  for (const [name, kind] of known) {
    if (name.length === length && equalsIgnoringCase(bytes, from, to, name)) return kind
  }
  return fieldKind.other
}
