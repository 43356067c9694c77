/** Request heads (RFC 9112 §3): strict, so that nobody behind us can understand a message differently. */
import { byteClass, CR, equalsIgnoringCase, LF, SP, targetByte, tokenByte } from './http1-bytes.ts'
import { fieldKind, FieldLines, incomplete, malformed, type Refusal } from './http1-fields.ts'
import { Framing, framingFault } from './http1-framing.ts'

/** Longest request target and longest whole head that are accepted. */
export interface HeadLimits {
  readonly targetBytes: number
  readonly headBytes: number
}

export const defaultHeadLimits: HeadLimits = { targetBytes: 32_768, headBytes: 65_536 }

const http1 = Buffer.from('HTTP/1.')
const http2Preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const connectMethod = Buffer.from('CONNECT')
const headMethod = Buffer.from('HEAD')
/** Methods that may be sent again when nothing was answered (RFC 9110 §9.2.2). */
const idempotent = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE'].map((m) => Buffer.from(m))
/** Empty lines before a request line are skipped (RFC 9112 §2.2); more than this many are garbage. */
const maxLeadingLines = 4

/** One request head as offsets into the buffer it came in; made once and filled again for each request. */
export class RequestHead {
  readonly fields: FieldLines = new FieldLines()
  readonly framing: Framing = new Framing()
  start = 0
  methodEnd = 0
  targetStart = 0
  targetEnd = 0
  /** Offset of the first field line. */
  fieldsStart = 0
  /** Offset after the empty line. */
  end = 0
  minorVersion = 1
  isHead = false
  isIdempotent = false
  /** Request target in absolute form (RFC 9112 §3.2.2). */
  isAbsolute = false
  /** The client opens with the HTTP/2 preface (RFC 9113 §3.4): to be passed on as opaque bytes. */
  isHttp2 = false
  hostLine = -1
  refusal: Refusal | undefined
  readonly #limits: HeadLimits

  constructor(limits: HeadLimits = defaultHeadLimits) {
    this.#limits = limits
  }

  /**
   * Parses one head from `bytes[start, end)`.
   * @returns the offset after it, `incomplete` when more bytes are needed, `malformed` with `refusal` set
   */
  parse(bytes: Uint8Array, start: number, end: number): number {
    this.#reset()
    let position = this.#skipEmptyLines(bytes, start, end)
    if (position === malformed) return malformed
    this.start = position
    position = this.#parseRequestLine(bytes, position, end)
    if (position <= 0 || this.isHttp2) return this.#bounded(position, start, end)
    this.fieldsStart = position
    position = this.fields.parse(bytes, position, end)
    if (position === malformed) this.refusal = this.fields.refusal
    if (position <= 0) return this.#bounded(position, start, end)
    if (position - this.start > this.#limits.headBytes)
      return this.#refuse(431, 'header section too large')
    this.end = position
    return this.#checkMeaning(bytes) ? position : malformed
  }

  #reset(): void {
    this.refusal = undefined
    this.isHttp2 = false
  }

  #bounded(position: number, start: number, end: number): number {
    if (position !== incomplete || end - start <= this.#limits.headBytes) return position
    return this.#refuse(431, `header section over ${this.#limits.headBytes} octets`)
  }

  #skipEmptyLines(bytes: Uint8Array, start: number, end: number): number {
    let position = start
    for (let lines = 0; position + 1 < end; lines += 1) {
      if (bytes[position] !== CR || bytes[position + 1] !== LF) return position
      if (lines === maxLeadingLines) return this.#refuse(400, 'empty lines instead of a request')
      position += 2
    }
    return position
  }

  #parseRequestLine(bytes: Uint8Array, start: number, end: number): number {
    let position = start
    while (position < end && ((byteClass[bytes[position] as number] as number) & tokenByte) !== 0) {
      position += 1
    }
    if (position === end) return incomplete
    if (bytes[position] === CR && position === start && position + 1 === end) return incomplete
    if (bytes[position] !== SP || position === start) return this.#refuse(400, notHttp)
    this.methodEnd = position
    position += 1
    this.targetStart = position
    while (
      position < end &&
      ((byteClass[bytes[position] as number] as number) & targetByte) !== 0
    ) {
      position += 1
    }
    if (position - this.targetStart > this.#limits.targetBytes) {
      return this.#refuse(414, `request target over ${this.#limits.targetBytes} octets`)
    }
    if (position === end) return incomplete
    if (bytes[position] !== SP || position === this.targetStart) return this.#refuse(400, notHttp)
    this.targetEnd = position
    return this.#parseVersion(bytes, start, position + 1, end)
  }

  #parseVersion(bytes: Uint8Array, start: number, at: number, end: number): number {
    const available = Math.min(end - at, 7)
    for (let i = 0; i < available; i += 1) {
      if (bytes[at + i] === http1[i]) continue
      if (i === 5 && isPrefix(bytes, start, end, http2Preface)) return this.#http2(start, end)
      return this.#refuse(
        i >= 5 ? 505 : 400,
        i >= 5 ? 'only HTTP/1.0 and HTTP/1.1 are spoken' : notHttp,
      )
    }
    if (end - at < 10) {
      if (end - at >= 8 && !isMinorVersion(bytes[at + 7]))
        return this.#refuse(505, 'unknown HTTP version')
      return incomplete
    }
    if (!isMinorVersion(bytes[at + 7])) return this.#refuse(505, 'unknown HTTP version')
    if (bytes[at + 8] !== CR || bytes[at + 9] !== LF) {
      return this.#refuse(400, 'request line does not end with CRLF after the version')
    }
    this.minorVersion = bytes[at + 7] === 48 ? 0 : 1
    return at + 10
  }

  #http2(start: number, end: number): number {
    if (end - start < http2Preface.length) return incomplete
    this.isHttp2 = true
    return start + http2Preface.length
  }

  #checkMeaning(bytes: Uint8Array): boolean {
    const { fields, framing } = this
    framing.read(bytes, fields)
    if (framing.fault !== framingFault.none) return this.#refuseFraming()
    if (framing.chunked && this.minorVersion === 0) {
      return this.#no(400, 'Transfer-Encoding in an HTTP/1.0 request')
    }
    if (!this.#checkHost(bytes)) return false
    const { start, methodEnd } = this
    this.isHead = equals(bytes, start, methodEnd, headMethod)
    this.isIdempotent = idempotent.some((method) => equals(bytes, start, methodEnd, method))
    if (equals(bytes, start, methodEnd, connectMethod)) {
      return this.#no(405, 'CONNECT is not served by a Service')
    }
    const first = bytes[this.targetStart]
    this.isAbsolute = first !== 47 && first !== 42
    if (this.isAbsolute && authorityOf(bytes, this.targetStart, this.targetEnd) === undefined) {
      return this.#no(400, 'request target is neither a path, *, nor an absolute URI')
    }
    return true
  }

  #checkHost(bytes: Uint8Array): boolean {
    this.hostLine = -1
    const { fields } = this
    if (!fields.has(fieldKind.host)) {
      return this.minorVersion === 0 || this.#no(400, 'HTTP/1.1 request without Host')
    }
    for (let i = 0; i < fields.count; i += 1) {
      if (fields.kind[i] !== fieldKind.host) continue
      if (this.hostLine !== -1) return this.#no(400, 'more than one Host')
      this.hostLine = i
    }
    const from = fields.valueStart[this.hostLine] as number
    const to = fields.valueEnd[this.hostLine] as number
    for (let at = from; at < to; at += 1) {
      if (!isHostByte(bytes[at] as number)) return this.#no(400, 'Host is not host[:port]')
    }
    return true
  }

  #refuseFraming(): boolean {
    switch (this.framing.fault) {
      case framingFault.bothLengthAndCoding:
        return this.#no(400, 'both Content-Length and Transfer-Encoding')
      case framingFault.contentLengthRepeated:
        return this.#no(400, 'more than one Content-Length')
      case framingFault.codingUnknown:
        return this.framing.contentLength === -1
          ? this.#no(501, 'a Transfer-Encoding other than exactly "chunked"')
          : this.#no(400, 'both Content-Length and Transfer-Encoding')
      default:
        return this.#no(400, 'Content-Length is not a number of octets')
    }
  }

  #no(status: Refusal['status'], cause: string): false {
    this.refusal = { status, cause }
    return false
  }

  #refuse(status: Refusal['status'], cause: string): number {
    this.refusal = { status, cause }
    return malformed
  }
}

const notHttp = 'the bytes are not an HTTP/1.1 request line'
const httpScheme = Buffer.from('http://')
const httpsScheme = Buffer.from('https://')

/** The authority of an absolute-form target as offsets; undefined when the target has another form. */
export function authorityOf(
  bytes: Uint8Array,
  from: number,
  to: number,
): { readonly from: number; readonly to: number } | undefined {
  let at = schemeEnd(bytes, from, to)
  if (at === -1) return undefined
  const start = at
  while (at < to && isHostByte(bytes[at] as number)) at += 1
  const ends = at === to || bytes[at] === 47 || bytes[at] === 63
  return ends && at > start ? { from: start, to: at } : undefined
}

function schemeEnd(bytes: Uint8Array, from: number, to: number): number {
  for (const scheme of [httpScheme, httpsScheme]) {
    const end = from + scheme.length
    if (end < to && equalsIgnoringCase(bytes, from, end, scheme)) return end
  }
  return -1
}

/** Octets of reg-name, IPv4 and bracketed IPv6 literals with a port (RFC 3986 §3.2.2, without user information). */
function isHostByte(byte: number): boolean {
  if (((byteClass[byte] as number) & tokenByte) !== 0)
    return byte !== 94 && byte !== 96 && byte !== 124
  // ( ) , : ; = [ ]
  return (
    byte === 58 ||
    byte === 91 ||
    byte === 93 ||
    byte === 40 ||
    byte === 41 ||
    byte === 44 ||
    byte === 59 ||
    byte === 61
  )
}

function isMinorVersion(byte: number | undefined): boolean {
  return byte === 48 || byte === 49
}

function equals(bytes: Uint8Array, from: number, to: number, wanted: Uint8Array): boolean {
  if (to - from !== wanted.length) return false
  for (let i = 0; i < wanted.length; i += 1) if (bytes[from + i] !== wanted[i]) return false
  return true
}

function isPrefix(bytes: Uint8Array, from: number, to: number, of: Uint8Array): boolean {
  const length = Math.min(to - from, of.length)
  for (let i = 0; i < length; i += 1) if (bytes[from + i] !== of[i]) return false
  return true
}
