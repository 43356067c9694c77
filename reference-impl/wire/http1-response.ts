/** Response heads (RFC 9112 §4). */
import { byteClass, CR, LF, SP, valueByte } from './http1-bytes.ts'
import { FieldLines, incomplete, malformed } from './http1-fields.ts'
import { Framing, framingFault } from './http1-framing.ts'

/** Largest response head that is accepted from a backend. */
export const maxResponseHeadBytes = 131_072

const http1 = Buffer.from('HTTP/1.')

/** One response head as offsets into the buffer it came in; made once and filled again for each response. */
export class ResponseHead {
  readonly fields: FieldLines = new FieldLines()
  readonly framing: Framing = new Framing()
  start = 0
  fieldsStart = 0
  end = 0
  minorVersion = 1
  status = 0
  /** Why the last head was refused. */
  cause = ''

  /** @returns the offset after the head, `incomplete`, or `malformed` with `cause` set */
  parse(bytes: Uint8Array, start: number, end: number): number {
    this.start = start
    let position = this.#parseStatusLine(bytes, start, end)
    if (position <= 0) return this.#bounded(position, start, end)
    this.fieldsStart = position
    position = this.fields.parse(bytes, position, end)
    if (position === malformed) return this.#refuse(this.fields.refusal?.cause ?? 'malformed head')
    if (position === incomplete) return this.#bounded(position, start, end)
    this.end = position
    this.framing.read(bytes, this.fields)
    if (this.framing.fault !== framingFault.none) return this.#refuse('contradictory body length')
    return position
  }

  #bounded(position: number, start: number, end: number): number {
    if (position !== incomplete || end - start <= maxResponseHeadBytes) return position
    return this.#refuse(`header section over ${maxResponseHeadBytes} octets`)
  }

  #parseStatusLine(bytes: Uint8Array, start: number, end: number): number {
    for (let i = 0; i < http1.length && start + i < end; i += 1) {
      if (bytes[start + i] !== http1[i]) return this.#refuse('the answer is not HTTP/1.1')
    }
    if (end - start < 13) return incomplete
    this.minorVersion = bytes[start + 7] === 48 ? 0 : 1
    let status = 0
    for (let at = start + 9; at < start + 12; at += 1) {
      const digit = (bytes[at] as number) - 48
      if (digit < 0 || digit > 9) return this.#refuse('the status code is not a number')
      status = status * 10 + digit
    }
    if (bytes[start + 8] !== SP || status < 100) return this.#refuse('the status line is malformed')
    this.status = status
    let position = start + 12
    if (bytes[position] !== SP && bytes[position] !== CR) {
      return this.#refuse('the status line is malformed')
    }
    while (position < end && ((byteClass[bytes[position] as number] as number) & valueByte) !== 0) {
      position += 1
    }
    if (position + 1 >= end) return incomplete
    if (bytes[position] !== CR || bytes[position + 1] !== LF) {
      return this.#refuse('control character in the status line')
    }
    return position + 2
  }

  #refuse(cause: string): number {
    this.cause = cause
    return malformed
  }
}
