import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { byteReader, type ByteReader } from '../byte-reader.ts'
import type { BackendContext } from '../context.ts'
import { endpoint } from '../identity.ts'
import { keptBytes, type RequestRecord } from '../journal.ts'
import { PeerGone, write } from '../write.ts'
import { readBody } from './body.ts'
import { answer, type Exchange, headText, keepsAlive } from './exchange.ts'
import { type Fault, listOf, readHead } from './head.ts'
import { findRoute, type Route } from './routes.ts'
import { upgrade } from './upgrade.ts'

/** How long a connection that was answered is read to its end, so that the answer is not lost to a RST (RFC 9112 9.6). */
const lingerMs = 2000

/**
 * Serves one HTTP/1.x connection, request by request in their order, and writes down every byte of them. What is no
 * request is written down, too, answered with 400 and ends the connection.
 */
export async function serveHttp(
  socket: Socket,
  connection: number,
  context: BackendContext,
): Promise<void> {
  const reader = byteReader(socket)
  try {
    for (let count = 1; ; count += 1) {
      const goesOn = await serveRequest(socket, reader, context, { connection, count })
      if (goesOn === 'over') return
      if (goesOn === 'ends') break
    }
  } catch (error) {
    if (!(error instanceof PeerGone)) throw error
  }
  await finish(socket, reader)
}

type Next = 'on' | 'ends' | 'over'

async function serveRequest(
  socket: Socket,
  reader: ByteReader,
  context: BackendContext,
  place: { readonly connection: number; readonly count: number },
): Promise<Next> {
  const read = await readHead(reader)
  if (read.kind === 'end' && read.bytes.length === 0) return 'ends'
  const record = newRecord(socket, read.bytes, place)
  context.journal.requests.add(record, Math.min(read.bytes.length, keptBytes.head) + keptBytes.body)
  if (read.kind === 'end') {
    record.malformed = 'the connection ended inside the head'
    return 'ends'
  }
  if (read.kind === 'fault') return refuse(socket, context, record, read.fault)
  const { head } = read
  const closes = !keepsAlive(head)
  const exchange: Exchange = { head, record, socket, reader, context, closes, over: false }
  const route = findRoute(head.path)
  if (route.early !== true) {
    if (head.minor === 1 && listOf(head.fields, 'expect').includes('100-continue'))
      await write(socket, 'HTTP/1.1 100 Continue\r\n\r\n')
    const body = await takeBody(reader, exchange)
    if (body === 'ends') return 'ends'
    if (body !== 'complete') return refuse(socket, context, record, body)
  }
  await respond(route, exchange)
  return exchange.over ? 'over' : exchange.closes ? 'ends' : 'on'
}

/** Acts as the behaviour says, else as the path says. */
async function respond(route: Route, exchange: Exchange): Promise<void> {
  const { status, delayMs = 0 } = exchange.context.behaviour.now.http
  if (delayMs > 0) await delay(delayMs)
  if (status !== undefined) await answer(exchange, status, `${status}\n`)
  else if (!(await upgrade(exchange))) await route.run(exchange, route.parameters)
}

async function takeBody(
  reader: ByteReader,
  { head, record }: Exchange,
): Promise<'complete' | 'ends' | Fault> {
  const hash = createHash('sha256')
  const body = await readBody(reader, head.framing, (piece) => {
    hash.update(piece)
    if (record.body.length < keptBytes.body)
      record.body = Buffer.concat([record.body, piece]).subarray(0, keptBytes.body)
    record.bodyBytes += piece.length
  })
  record.bodySha256 = hash.digest('hex')
  if (body.kind === 'fault') return body.fault
  if (body.kind === 'end') return 'ends'
  record.trailers = body.trailers
  record.complete = true
  return 'complete'
}

async function refuse(
  socket: Socket,
  context: BackendContext,
  record: RequestRecord,
  { status, why }: Fault,
): Promise<Next> {
  record.malformed = why
  const text = `${why}\n`
  const length = String(Buffer.byteLength(text))
  const head = headText({ closes: true, context }, status, [['Content-Length', length]])
  await write(socket, head + text)
  return 'ends'
}

/** FIN, then everything that still comes is thrown away. */
async function finish(socket: Socket, reader: ByteReader): Promise<void> {
  socket.end()
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  do reader.take(reader.bytes.length)
  while (await reader.more())
  clearTimeout(timer)
}

function newRecord(
  socket: Socket,
  head: Buffer,
  { connection, count }: { readonly connection: number; readonly count: number },
): RequestRecord {
  return {
    port: socket.localPort ?? 0,
    peer: endpoint(socket.remoteAddress, socket.remotePort),
    connection,
    requestOnConnection: count,
    at: new Date().toISOString(),
    head: Buffer.from(head.subarray(0, keptBytes.head)),
    headBytes: head.length,
    body: Buffer.alloc(0),
    bodyBytes: 0,
    bodySha256: createHash('sha256').digest('hex'),
    complete: false,
    trailers: [],
  }
}
