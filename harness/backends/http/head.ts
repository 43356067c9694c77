import type { ByteReader } from '../byte-reader.ts'

/** A request head after RFC 9112. */
export interface RequestHead {
  readonly method: string
  readonly target: string
  /** Without the query; of an absolute-form target its path. */
  readonly path: string
  readonly query: URLSearchParams
  readonly minor: 0 | 1
  readonly fields: readonly Field[]
  readonly framing: Framing
}

export type Field = readonly [name: string, value: string]

export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }

/** Why bytes are no request, and the status that says so. */
export interface Fault {
  readonly status: number
  readonly why: string
}

export type ReadHead =
  | { readonly kind: 'head'; readonly bytes: Buffer; readonly head: RequestHead }
  | { readonly kind: 'fault'; readonly bytes: Buffer; readonly fault: Fault }
  /** The peer ended before a head was complete; with no bytes that is the ordinary end of a connection. */
  | { readonly kind: 'end'; readonly bytes: Buffer }

/** Larger heads are answered with 431. */
const longestHeadBytes = 1024 * 1024

/** Reads up to the empty line; gives up at the first byte that no head may have. */
export async function readHead(reader: ByteReader): Promise<ReadHead> {
  let at = 0
  let lineStart = 0
  const faulty = (status: number, why: string): ReadHead => {
    const bytes = reader.take(reader.bytes.length)
    return { kind: 'fault', bytes, fault: { status, why } }
  }
  for (;;) {
    const { bytes } = reader
    for (; at < bytes.length; at += 1) {
      const byte = bytes[at]
      if (byte === 0) return faulty(400, 'NUL in the head')
      if (byte === 13 && at + 1 < bytes.length && bytes[at + 1] !== 10)
        return faulty(400, 'bare CR in the head')
      if (byte !== 10) continue
      if (at === 0 || bytes[at - 1] !== 13) return faulty(400, 'bare LF in the head')
      // why: RFC 9112 section 2.2, one empty line before a request is ignored
      if (at - lineStart === 1 && lineStart > 0) {
        const lines = bytes.subarray(0, at - 3).toString('latin1')
        const head = lines === '' ? fault(400, 'two empty lines, no request') : parseHead(lines)
        if ('why' in head) return faulty(head.status, head.why)
        return { kind: 'head', bytes: Buffer.from(reader.take(at + 1)), head }
      }
      lineStart = at + 1
    }
    if (bytes.length > longestHeadBytes)
      return faulty(431, `the head has over ${longestHeadBytes} bytes`)
    // why: a CR at the end has to be looked at again with what follows it
    if (at > 0 && bytes[at - 1] === 13) at -= 1
    if (!(await reader.more())) return { kind: 'end', bytes: reader.take(reader.bytes.length) }
  }
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const requestLine = new RegExp(`^(${token}) ([\\x21-\\x7e]+) HTTP/(\\d)\\.(\\d)$`)
const fieldLine = new RegExp(`^(${token}):[ \\t]*(.*?)[ \\t]*$`, 's')

/** @param text - the lines of a head, read as Latin-1, without the empty one */
export function parseHead(text: string): RequestHead | Fault {
  const [first = '', ...lines] = text.replace(/^\r\n/, '').split('\r\n')
  const parts = requestLine.exec(first)
  if (parts === null) return fault(400, `the request line is ${quoted(first)}`)
  const [, method = '', target = '', major, minorDigit] = parts
  if (major !== '1') return fault(505, `the version is ${String(major)}.${String(minorDigit)}`)
  const minor = minorDigit === '0' ? 0 : 1
  const place = placeOf(method, target)
  if (place === undefined) return fault(400, `the target of ${method} is ${quoted(target)}`)
  const fields = parseFields(lines)
  if ('why' in fields) return fields
  const hosts = valuesOf(fields, 'host')
  if (hosts.length > 1) return fault(400, 'Host twice')
  if (minor === 1 && hosts.length === 0) return fault(400, 'no Host')
  if (hosts.some((host) => !/^[A-Za-z0-9._~%!$&'()*+,;=:[\]-]*$/.test(host)))
    return fault(400, `Host is ${quoted(hosts[0] ?? '')}`)
  const framing = framingOf(fields, minor)
  if ('why' in framing) return framing
  return { method, target, ...place, minor, fields, framing }
}

/** RFC 9112 section 5: no blank before the colon, no folding, no control characters. */
export function parseFields(lines: readonly string[]): readonly Field[] | Fault {
  const fields: Field[] = []
  for (const line of lines) {
    if (/^[ \t]/.test(line)) return fault(400, `a folded line: ${quoted(line)}`)
    const [, name, value = ''] = fieldLine.exec(line) ?? []
    if (name === undefined || /[\x00-\x08\x0a-\x1f\x7f]/.test(value))
      return fault(400, `a field line is ${quoted(line)}`)
    fields.push([name, value])
  }
  return fields
}

export function valuesOf(fields: readonly Field[], name: string): readonly string[] {
  return fields.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value)
}

/** The entries of a list field, in lower case. */
export function listOf(fields: readonly Field[], name: string): readonly string[] {
  return valuesOf(fields, name)
    .flatMap((value) => value.split(','))
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== '')
}

/** RFC 9112 section 3.2: origin, absolute, authority and asterisk form. */
function placeOf(method: string, target: string): Pick<RequestHead, 'path' | 'query'> | undefined {
  const [, absolute] = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]+(.*)$/i.exec(target) ?? []
  const origin = absolute ?? target
  const isOther =
    method === 'CONNECT' ? /^[^/?#@]+:\d+$/.test(target) : method === 'OPTIONS' && target === '*'
  if (isOther) return { path: target, query: new URLSearchParams() }
  if (method === 'CONNECT' || origin.includes('#') || !/^([/?]|$)/.test(origin)) return undefined
  if (absolute === undefined && !origin.startsWith('/')) return undefined
  const [path = '', ...rest] = origin.split('?')
  return { path: path === '' ? '/' : path, query: new URLSearchParams(rest.join('?')) }
}

/** RFC 9112 section 6.3, with everything refused that a server may refuse. */
function framingOf(fields: readonly Field[], minor: 0 | 1): Framing | Fault {
  const codings = valuesOf(fields, 'transfer-encoding')
  const lengths = valuesOf(fields, 'content-length')
  if (codings.length > 0) {
    if (minor === 0) return fault(400, 'Transfer-Encoding in HTTP/1.0')
    if (lengths.length > 0) return fault(400, 'Transfer-Encoding and Content-Length')
    const [coding = '', ...more] = codings.map((value) => value.toLowerCase())
    if (more.length === 0 && coding === 'chunked') return { kind: 'chunked' }
    const isUnknown = more.length === 0 && /^(gzip|deflate|compress), ?chunked$/.test(coding)
    return fault(isUnknown ? 501 : 400, `Transfer-Encoding is ${quoted(codings.join(' | '))}`)
  }
  const [length, ...more] = lengths
  if (length === undefined) return { kind: 'none' }
  if (more.length > 0 || !/^\d{1,15}$/.test(length))
    return fault(400, `Content-Length is ${quoted(lengths.join(' | '))}`)
  return { kind: 'length', bytes: Number(length) }
}

function fault(status: number, why: string): Fault {
  return { status, why }
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100))
}
