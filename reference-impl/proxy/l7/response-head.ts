/** The head that goes back to a client: the backend's bytes without its hop-by-hop fields (RFC 9110 §7.6.1). */
import { equalsIgnoringCase } from '../../wire/http1-bytes.ts'
import { fieldKind } from '../../wire/http1-fields.ts'
import type { ResponseHead } from '../../wire/http1-response.ts'
import { nominatedFields } from './request-head.ts'

const hopByHop =
  (1 << fieldKind.connection) |
  (1 << fieldKind.keepAlive) |
  (1 << fieldKind.proxyConnection) |
  (1 << fieldKind.upgrade)

const closeLine = Buffer.from('Connection: close\r\n\r\n')
const endOfHead = Buffer.from('\r\n')
const nothing = Buffer.alloc(0)

/**
 * Removes the hop-by-hop lines inside `bytes` itself by moving what precedes them towards the end of the head, so
 * that head and body stay one run of bytes.
 * @param dropCoding - the client cannot read chunks: Transfer-Encoding goes as well
 * @returns the offset where the head starts now
 */
export function stripInPlace(bytes: Buffer, head: ResponseHead, dropCoding: boolean): number {
  const { fields } = head
  // why: a proxy speaks its own version (RFC 9110 §6.2), whatever the backend speaks
  bytes[head.start + 7] = 49
  const removed = dropCoding ? hopByHop | (1 << fieldKind.transferEncoding) : hopByHop
  const nominated = head.framing.nominates ? nominatedFields(bytes, fields) : []
  if ((fields.kinds & removed) === 0 && nominated.length === 0) return head.start
  let target = head.end
  let runEnd = head.end
  for (let i = fields.count - 1; i >= 0; i -= 1) {
    if (!isRemoved(bytes, head, i, removed, nominated)) continue
    const runStart = fields.nameStart[i + 1] as number
    target = moved(bytes, runStart, runEnd, target)
    runEnd = fields.nameStart[i] as number
  }
  return moved(bytes, head.start, runEnd, target)
}

/**
 * A copy of the stripped head `bytes[from, headEnd)` with lines of our own at its end, followed by the body up to `to`.
 */
export function withLines(
  bytes: Buffer,
  from: number,
  headEnd: number,
  to: number,
  lines: { readonly close: boolean; readonly extraLine: Buffer | undefined },
): Buffer {
  return Buffer.concat([
    bytes.subarray(from, headEnd - 2),
    lines.extraLine ?? nothing,
    lines.close ? closeLine : endOfHead,
    bytes.subarray(headEnd, to),
  ])
}

function isRemoved(
  bytes: Buffer,
  head: ResponseHead,
  i: number,
  removed: number,
  nominated: readonly Buffer[],
): boolean {
  const { fields } = head
  const kind = fields.kind[i] as number
  if (((1 << kind) & removed) !== 0) return true
  if (nominated.length === 0 || kind === fieldKind.contentLength) return false
  if (kind === fieldKind.transferEncoding) return false
  const from = fields.nameStart[i] as number
  const to = fields.nameEnd[i] as number
  return nominated.some((name) => equalsIgnoringCase(bytes, from, to, name))
}

function moved(bytes: Buffer, from: number, to: number, target: number): number {
  const start = target - (to - from)
  if (start !== from) bytes.copyWithin(start, from, to)
  return start
}
