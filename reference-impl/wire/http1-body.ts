/** Where a message body ends (RFC 9112 §6.3, §7.1): counts bytes that pass through, copies none. */
import {
  BACKSLASH,
  byteClass,
  CR,
  DQUOTE,
  EQUALS,
  hexValue,
  HT,
  LF,
  SEMICOLON,
  SP,
  valueByte,
} from './http1-bytes.ts'

/** Receives the payload ranges inside chunked framing: only for receivers that cannot read chunks. */
export type DataSink = (from: number, to: number) => void

/** `1 << 52` and above could not be counted exactly; 13 hex digits stay below. */
const maxSizeDigits = 13
/** Chunk extensions and the trailer section together may not exceed this many octets each. */
const maxExtensionBytes = 4096
const maxTrailerBytes = 16_384

const state = {
  done: 0,
  length: 1,
  untilClose: 2,
  sizeStart: 3,
  size: 4,
  extensionStart: 5,
  sizeLf: 6,
  data: 7,
  dataCr: 8,
  dataLf: 9,
  trailerStart: 10,
  trailerName: 11,
  trailerValue: 12,
  trailerLf: 13,
  endLf: 14,
  faulty: 15,
  extensionName: 16,
  extensionValue: 17,
  extensionToken: 18,
  extensionQuoted: 19,
  extensionEscaped: 20,
  extensionQuotedEnd: 21,
} as const

/** Reads one body after the other; `begin…` arms it for the next. */
export class BodyReader {
  #state: number = state.done
  #remaining = 0
  #digits = 0
  #overhead = 0
  /** Why the body is malformed, once `isFaulty`. */
  cause = ''

  get isDone(): boolean {
    return this.#state === state.done
  }

  get isFaulty(): boolean {
    return this.#state === state.faulty
  }

  /** The body has no length: the end of the connection is its end. */
  get endsAtClose(): boolean {
    return this.#state === state.untilClose
  }

  /** The body of a request: without a length there is none (RFC 9112 §6.3). */
  begin(framing: { readonly chunked: boolean; readonly contentLength: number }): void {
    if (framing.chunked) this.beginChunked()
    else this.beginLength(Math.max(0, framing.contentLength))
  }

  beginEmpty(): void {
    this.#state = state.done
  }

  beginLength(sizeBytes: number): void {
    this.#remaining = sizeBytes
    this.#state = sizeBytes === 0 ? state.done : state.length
  }

  beginUntilClose(): void {
    this.#state = state.untilClose
  }

  beginChunked(): void {
    this.#state = state.sizeStart
    this.#overhead = 0
  }

  /**
   * Takes what belongs to this body out of `bytes[from, to)`.
   * @returns the offset after the last byte taken; anything behind it belongs to the next message
   */
  consume(bytes: Uint8Array, from: number, to: number, sink?: DataSink): number {
    if (this.#state === state.length) {
      const taken = Math.min(this.#remaining, to - from)
      this.#remaining -= taken
      if (this.#remaining === 0) this.#state = state.done
      sink?.(from, from + taken)
      return from + taken
    }
    if (this.#state === state.untilClose) {
      sink?.(from, to)
      return to
    }
    return this.#consumeChunks(bytes, from, to, sink)
  }

  #consumeChunks(bytes: Uint8Array, from: number, to: number, sink?: DataSink): number {
    let at = from
    while (at < to && this.#state !== state.done && this.#state !== state.faulty) {
      if (this.#state === state.data) {
        const taken = Math.min(this.#remaining, to - at)
        sink?.(at, at + taken)
        at += taken
        this.#remaining -= taken
        if (this.#remaining === 0) this.#state = state.dataCr
        continue
      }
      this.#step(bytes[at] as number)
      at += 1
    }
    return at
  }

  #step(byte: number): void {
    switch (this.#state) {
      case state.sizeStart:
      case state.size:
        this.#stepSize(byte)
        return
      case state.sizeLf:
        if (byte !== LF) this.#fail('chunk size line without CRLF')
        else if (this.#remaining > 0) this.#state = state.data
        else this.#beginTrailers()
        return
      case state.dataCr:
        this.#expect(byte, CR, state.dataLf)
        return
      case state.dataLf:
        this.#expect(byte, LF, state.sizeStart)
        return
      case state.trailerStart:
      case state.trailerName:
      case state.trailerValue:
      case state.trailerLf:
      case state.endLf:
        this.#stepTrailer(byte)
        return
      default:
        this.#stepExtension(byte)
    }
  }

  #stepSize(byte: number): void {
    const digit = hexValue(byte)
    if (digit !== -1) {
      if (this.#state === state.sizeStart) {
        this.#remaining = 0
        this.#digits = 0
        this.#state = state.size
      }
      this.#digits += 1
      this.#remaining = this.#remaining * 16 + digit
      if (this.#digits > maxSizeDigits) this.#fail('chunk size too large')
      return
    }
    if (this.#state === state.sizeStart) this.#fail('chunk size is not a hexadecimal number')
    else if (byte === CR) this.#state = state.sizeLf
    else if (byte === SEMICOLON) this.#state = state.extensionStart
    else this.#fail('chunk size is not a hexadecimal number')
  }

  /**
   * RFC 9112 section 7.1.1, stricter by intent: chunks are passed on as they are, so that an extension which two readers
   * may understand differently (a quotation that does not end) is refused; so is bad whitespace, which would have to be
   * taken out (RFC 9110 section 5.6.3).
   */
  #stepExtension(byte: number): void {
    this.#overhead += 1
    if (this.#overhead > maxExtensionBytes) {
      this.#fail('chunk extensions too long')
      return
    }
    const next = this.#afterExtension(byte)
    if (next === undefined) this.#fail('malformed chunk extension')
    else this.#state = next
  }

  #afterExtension(byte: number): number | undefined {
    switch (this.#state) {
      case state.extensionStart:
        return isToken(byte) ? state.extensionName : undefined
      case state.extensionName:
        if (isToken(byte)) return state.extensionName
        return byte === EQUALS ? state.extensionValue : afterOneExtension(byte)
      case state.extensionValue:
        if (byte === DQUOTE) return state.extensionQuoted
        return isToken(byte) ? state.extensionToken : undefined
      case state.extensionToken:
        return isToken(byte) ? state.extensionToken : afterOneExtension(byte)
      case state.extensionQuoted:
        if (byte === DQUOTE) return state.extensionQuotedEnd
        if (byte === BACKSLASH) return state.extensionEscaped
        return isValue(byte) ? state.extensionQuoted : undefined
      case state.extensionEscaped:
        return isValue(byte) ? state.extensionQuoted : undefined
      default:
        return afterOneExtension(byte)
    }
  }

  #beginTrailers(): void {
    this.#state = state.trailerStart
    this.#overhead = 0
  }

  #stepTrailer(byte: number): void {
    this.#overhead += 1
    if (this.#overhead > maxTrailerBytes) {
      this.#fail('trailer section too large')
      return
    }
    switch (this.#state) {
      case state.trailerStart:
        if (byte === CR) this.#state = state.endLf
        else if (isToken(byte)) this.#state = state.trailerName
        else this.#fail('malformed trailer field')
        return
      case state.trailerName:
        if (byte === 58) this.#state = state.trailerValue
        else if (!isToken(byte)) this.#fail('malformed trailer field')
        return
      case state.trailerValue:
        if (byte === CR) this.#state = state.trailerLf
        else if (!isValue(byte)) this.#fail('control character in a trailer field')
        return
      case state.trailerLf:
        this.#expect(byte, LF, state.trailerStart)
        return
      default:
        this.#expect(byte, LF, state.done)
    }
  }

  #expect(byte: number, wanted: number, next: number): void {
    if (byte === wanted) this.#state = next
    else this.#fail('chunk does not end with CRLF')
  }

  #fail(cause: string): void {
    this.cause = cause
    this.#state = state.faulty
  }
}

function afterOneExtension(byte: number): number | undefined {
  if (byte === CR) return state.sizeLf
  return byte === SEMICOLON ? state.extensionStart : undefined
}

function isToken(byte: number): boolean {
  return ((byteClass[byte] as number) & 1) !== 0
}

function isValue(byte: number): boolean {
  return byte === SP || byte === HT || ((byteClass[byte] as number) & valueByte) !== 0
}
