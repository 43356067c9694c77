/** What the field lines say about body and connection (RFC 9112 §6, §9.3; RFC 9110 §7.6.1). */
import { equalsIgnoringCase } from './http1-bytes.ts'
import { fieldKind, type FieldLines } from './http1-fields.ts'

const chunkedToken = Buffer.from('chunked')
/** Field values of this many octets and more are no Content-Length that a double can count exactly. */
const maxLengthDigits = 15

/** Outcomes of reading the framing fields. */
export const framingFault = {
  none: 0,
  contentLengthInvalid: 1,
  contentLengthRepeated: 2,
  bothLengthAndCoding: 3,
  codingUnknown: 4,
} as const

/** Body framing and connection options of one message; made once and filled again for each message. */
export class Framing {
  /** Octets announced by Content-Length; -1 when there is none. */
  contentLength = -1
  chunked = false
  fault = 0
  /** Options of the Connection field. */
  close = false
  keepAlive = false
  upgrade = false
  /** Connection nominates fields other than the well-known ones: they have to be removed too. */
  nominates = false

  read(bytes: Uint8Array, fields: FieldLines): void {
    this.#reset()
    if ((fields.kinds & framingKinds) === 0) return
    for (let i = 0; i < fields.count; i += 1) {
      const kind = fields.kind[i] as number
      if (kind === fieldKind.contentLength) this.#readLength(bytes, fields, i)
      else if (kind === fieldKind.transferEncoding) this.#readCoding(bytes, fields, i)
      else if (kind === fieldKind.connection) this.#readOptions(bytes, fields, i)
    }
    if (this.fault === framingFault.none && this.chunked && this.contentLength !== -1) {
      this.fault = framingFault.bothLengthAndCoding
    }
  }

  #reset(): void {
    this.contentLength = -1
    this.chunked = false
    this.fault = framingFault.none
    this.close = false
    this.keepAlive = false
    this.upgrade = false
    this.nominates = false
  }

  #readLength(bytes: Uint8Array, fields: FieldLines, i: number): void {
    const from = fields.valueStart[i] as number
    const to = fields.valueEnd[i] as number
    if (this.contentLength !== -1) this.fault = framingFault.contentLengthRepeated
    if (to === from || to - from > maxLengthDigits) {
      this.fault = framingFault.contentLengthInvalid
      return
    }
    let length = 0
    for (let at = from; at < to; at += 1) {
      const digit = (bytes[at] as number) - 48
      if (digit < 0 || digit > 9) {
        this.fault = framingFault.contentLengthInvalid
        return
      }
      length = length * 10 + digit
    }
    this.contentLength = length
  }

  #readCoding(bytes: Uint8Array, fields: FieldLines, i: number): void {
    const from = fields.valueStart[i] as number
    const to = fields.valueEnd[i] as number
    // why: only exactly one `chunked` is understood the same way by everybody on the path
    if (this.chunked || !equalsIgnoringCase(bytes, from, to, chunkedToken)) {
      this.fault = framingFault.codingUnknown
    }
    this.chunked = true
  }

  #readOptions(bytes: Uint8Array, fields: FieldLines, i: number): void {
    for (const option of connectionOptions(bytes, fields, i)) {
      if (option === 'close') this.close = true
      else if (option === 'keep-alive') this.keepAlive = true
      else if (option === 'upgrade') this.upgrade = true
      else if (option !== 'te' && option !== '') this.nominates = true
    }
  }
}

const framingKinds =
  (1 << fieldKind.contentLength) | (1 << fieldKind.transferEncoding) | (1 << fieldKind.connection)

const keepAliveOption = ['keep-alive']
const closeOption = ['close']
const keepAliveBytes = Buffer.from('keep-alive')
const closeBytes = Buffer.from('close')

/** The options in Connection field line `i`, in lower case. */
export function connectionOptions(
  bytes: Uint8Array,
  fields: FieldLines,
  i: number,
): readonly string[] {
  const from = fields.valueStart[i] as number
  const to = fields.valueEnd[i] as number
  if (equalsIgnoringCase(bytes, from, to, keepAliveBytes)) return keepAliveOption
  if (equalsIgnoringCase(bytes, from, to, closeBytes)) return closeOption
  const value = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1')
  return value
    .toLowerCase()
    .split(',')
    .map((option) => option.trim())
}
