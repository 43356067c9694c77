import type { Socket } from 'node:net'
import { STATUS_CODES } from 'node:http'
import type { ByteReader } from '../byte-reader.ts'
import type { BackendContext } from '../context.ts'
import type { RequestRecord } from '../journal.ts'
import { write } from '../write.ts'
import { type Field, listOf, type RequestHead } from './head.ts'

/** One request and the ways to answer it. */
export interface Exchange {
  readonly head: RequestHead
  readonly record: RequestRecord
  readonly socket: Socket
  readonly reader: ByteReader
  readonly context: BackendContext
  /** The connection ends after this answer. */
  closes: boolean
  /** Somebody else has the connection now, or nothing of it is left. */
  over: boolean
}

/** Does the client keep the connection (RFC 9112 section 9.3)? */
export function keepsAlive({ minor, fields }: RequestHead): boolean {
  const options = listOf(fields, 'connection')
  return !options.includes('close') && (minor === 1 || options.includes('keep-alive'))
}

/** Answers with a whole body and its length. */
export async function answer(
  exchange: Exchange,
  status: number,
  body: string | Uint8Array = '',
  fields: readonly Field[] = [],
): Promise<void> {
  const bytes = Buffer.from(body)
  const hasBody = allowsBody(exchange, status)
  const length: readonly Field[] =
    status < 200 || status === 204 ? [] : [['Content-Length', String(bytes.length)]]
  const head = headText(exchange, status, [...fields, ...length])
  await write(exchange.socket, hasBody ? Buffer.concat([Buffer.from(head, 'latin1'), bytes]) : head)
}

/** Answers with pieces as they come: chunked, or until the connection's end for HTTP/1.0. */
export async function answerInPieces(
  exchange: Exchange,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  fields: readonly Field[] = [],
  trailers: readonly Field[] = [],
): Promise<void> {
  const { socket, head } = exchange
  const isChunked = head.minor === 1
  if (!isChunked) exchange.closes = true
  const coding: readonly Field[] = isChunked ? [['Transfer-Encoding', 'chunked']] : []
  await write(socket, headText(exchange, 200, [...fields, ...coding]))
  if (!allowsBody(exchange, 200)) return
  for await (const piece of pieces) {
    if (isChunked && piece.length > 0) await write(socket, chunk(piece))
    else if (piece.length > 0) await write(socket, piece)
  }
  if (isChunked) await write(socket, `0\r\n${fieldText(trailers)}\r\n`)
}

export function chunk(piece: Uint8Array): Buffer {
  return Buffer.concat([
    Buffer.from(`${piece.length.toString(16)}\r\n`),
    piece,
    Buffer.from('\r\n'),
  ])
}

/** HEAD, 1xx, 204 and 304 have none (RFC 9112 section 6.3). */
export function allowsBody({ head }: Exchange, status: number): boolean {
  return head.method !== 'HEAD' && status >= 200 && status !== 204 && status !== 304
}

/** Status line and fields of a final answer; `X-Pod` names the pod. */
export function headText(
  { closes, head, context }: Pick<Exchange, 'closes' | 'context'> & { head?: RequestHead },
  status: number,
  fields: readonly Field[],
): string {
  const connection: readonly Field[] = closes
    ? [['Connection', 'close']]
    : head?.minor === 0
      ? [['Connection', 'keep-alive']]
      : []
  return `${statusLine(status)}${fieldText([
    ['Date', new Date().toUTCString()],
    ['X-Pod', context.identity.pod],
    ...connection,
    ...fields,
  ])}\r\n`
}

export function statusLine(status: number): string {
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`
}

export function fieldText(fields: readonly Field[]): string {
  return fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')
}
