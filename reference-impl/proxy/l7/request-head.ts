/** The head that goes to a backend: the client's bytes in the client's order, without the hop-by-hop fields (RFC 9110 §7.6.1). */
import { equalsIgnoringCase } from '../../wire/http1-bytes.ts'
import { fieldKind, type FieldLines } from '../../wire/http1-fields.ts'
import { connectionOptions } from '../../wire/http1-framing.ts'
import { authorityOf, type RequestHead } from '../../wire/http1-request.ts'

/** Facts of a client connection that go into every request it sends; encoded once per connection. */
export interface ClientMark {
  /** `1.2.3.4` */
  readonly address: Buffer
  /** `X-Forwarded-For: 1.2.3.4` CRLF */
  readonly forwardedLine: Buffer
  /** The same, and Via for a request of HTTP/1.1: what most heads end with. */
  readonly lastLines: Buffer
  /** Host for HTTP/1.0 requests that came without one. */
  readonly fallbackHost: string
}

/** Via by the minor version that the client speaks (RFC 9110 §7.6.3), and the end of the head. */
const viaLines = ['Via: 1.0 meshmark\r\n\r\n', 'Via: 1.1 meshmark\r\n\r\n'] as const

export function clientMark(address: string, fallbackHost: string): ClientMark {
  const forwardedLine = `X-Forwarded-For: ${address}\r\n`
  return {
    address: Buffer.from(`, ${address}`),
    forwardedLine: Buffer.from(forwardedLine),
    lastLines: Buffer.from(forwardedLine + viaLines[1]),
    fallbackHost,
  }
}

const hopByHop =
  (1 << fieldKind.connection) |
  (1 << fieldKind.keepAlive) |
  (1 << fieldKind.proxyConnection) |
  (1 << fieldKind.te) |
  (1 << fieldKind.upgrade)

const kept = new Set<number>([
  fieldKind.host,
  fieldKind.contentLength,
  fieldKind.transferEncoding,
  fieldKind.expect,
])

const trailers = Buffer.from('trailers')

/**
 * Composes the forwarded head, followed by `body` so that a small request is one write.
 * The client's address is appended to X-Forwarded-For, existing values stay to its left; so does Via.
 */
export function forwardedHead(
  bytes: Buffer,
  head: RequestHead,
  mark: ClientMark,
  bodyFrom: number,
  bodyTo: number,
): Buffer {
  const { fields } = head
  const plain = (fields.kinds & (hopByHop | (1 << fieldKind.forwardedFor))) === 0
  if (!plain || head.isAbsolute || head.minorVersion === 0) {
    return composed(bytes, head, mark, bodyFrom, bodyTo)
  }
  const headBytes = head.end - 2 - head.start
  const out = Buffer.allocUnsafe(headBytes + mark.lastLines.length + bodyTo - bodyFrom)
  bytes.copy(out, 0, head.start, head.end - 2)
  out.set(mark.lastLines, headBytes)
  if (bodyTo > bodyFrom) bytes.copy(out, headBytes + mark.lastLines.length, bodyFrom, bodyTo)
  return out
}

function composed(
  bytes: Buffer,
  head: RequestHead,
  mark: ClientMark,
  bodyFrom: number,
  bodyTo: number,
): Buffer {
  const extra = extraLines(bytes, head, mark)
  const room = head.end - head.start + mark.address.length + mark.lastLines.length + extra.length
  const out = Buffer.allocUnsafe(room + bodyTo - bodyFrom)
  const nominated = head.framing.nominates ? nominatedFields(bytes, head.fields) : []
  let at = bytes.copy(out, 0, head.start, head.fieldsStart)
  if (head.minorVersion === 0) out[at - 3] = 49
  const lastForwardedFor = lastLineOf(head.fields, fieldKind.forwardedFor)
  for (let i = 0; i < head.fields.count; i += 1) {
    if (!isForwarded(bytes, head, i, nominated)) continue
    const from = head.fields.nameStart[i] as number
    const to = head.fields.nameStart[i + 1] as number
    if (i !== lastForwardedFor) {
      at += bytes.copy(out, at, from, to)
      continue
    }
    at += bytes.copy(out, at, from, head.fields.valueEnd[i])
    at += mark.address.copy(out, at)
    at += out.write('\r\n', at, 'latin1')
  }
  at += out.write(extra, at, 'latin1')
  if (lastForwardedFor === -1) at += mark.forwardedLine.copy(out, at)
  at += out.write(viaLines[head.minorVersion === 0 ? 0 : 1], at, 'latin1')
  if (bodyTo > bodyFrom) at += bytes.copy(out, at, bodyFrom, bodyTo)
  return out.subarray(0, at)
}

function isForwarded(
  bytes: Buffer,
  head: RequestHead,
  i: number,
  nominated: readonly Buffer[],
): boolean {
  const { fields } = head
  const kind = fields.kind[i] as number
  if (kind === fieldKind.upgrade) return head.framing.upgrade
  if (kind === fieldKind.te) return isTrailers(bytes, fields, i)
  if (kind === fieldKind.host) return !head.isAbsolute
  if (((1 << kind) & hopByHop) !== 0) return false
  if (nominated.length === 0 || kept.has(kind)) return true
  const from = fields.nameStart[i] as number
  const to = fields.nameEnd[i] as number
  return !nominated.some((name) => equalsIgnoringCase(bytes, from, to, name))
}

/** Lines that the forwarded head needs beyond the client's own. */
function extraLines(bytes: Buffer, head: RequestHead, mark: ClientMark): string {
  const { fields, framing } = head
  const options: string[] = []
  if (framing.upgrade && fields.has(fieldKind.upgrade)) options.push('Upgrade')
  const te = lastLineOf(fields, fieldKind.te)
  if (te !== -1 && isTrailers(bytes, fields, te)) options.push('TE')
  let lines = options.length === 0 ? '' : `Connection: ${options.join(', ')}\r\n`
  const authority = head.isAbsolute
    ? authorityOf(bytes, head.targetStart, head.targetEnd)
    : undefined
  if (authority !== undefined) {
    lines += `Host: ${bytes.toString('latin1', authority.from, authority.to)}\r\n`
  } else if (head.hostLine === -1) {
    lines += `Host: ${mark.fallbackHost}\r\n`
  }
  return lines
}

function isTrailers(bytes: Buffer, fields: FieldLines, i: number): boolean {
  const from = fields.valueStart[i] as number
  return equalsIgnoringCase(bytes, from, fields.valueEnd[i] as number, trailers)
}

function lastLineOf(fields: FieldLines, kind: number): number {
  if (!fields.has(kind)) return -1
  let last = -1
  for (let i = 0; i < fields.count; i += 1) if (fields.kind[i] === kind) last = i
  return last
}

/** Names that the Connection field asks us to remove, lower case. */
export function nominatedFields(bytes: Buffer, fields: FieldLines): readonly Buffer[] {
  const names: Buffer[] = []
  for (let i = 0; i < fields.count; i += 1) {
    if (fields.kind[i] !== fieldKind.connection) continue
    for (const option of connectionOptions(bytes, fields, i))
      names.push(Buffer.from(option, 'latin1'))
  }
  return names
}
