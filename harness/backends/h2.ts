import { createHash } from 'node:crypto'
import { createServer, type ServerHttp2Stream } from 'node:http2'
import type { Listener } from './arguments.ts'
import type { BackendContext, Listening } from './context.ts'

/** HTTP/2 without TLS, with prior knowledge (RFC 9113 §3.3). Tells, as JSON, which path was asked and what body came. */
export function h2Server(
  { address, port }: Listener,
  { identity }: BackendContext,
): Promise<Listening> {
  const server = createServer()
  server.on('stream', (stream, { ':path': path }) => {
    stream.on('error', () => undefined)
    tell(stream, { pod: identity.pod, path })
  })
  server.on('sessionError', () => undefined)
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, ...(address !== undefined && { host: address }) }, () => {
      const bound = server.address()
      if (bound === null || typeof bound === 'string') reject(new Error('h2 has no port'))
      else resolve(bound)
    })
  })
}

function tell(stream: ServerHttp2Stream, about: object): void {
  const hash = createHash('sha256')
  let bodyBytes = 0
  stream.on('data', (piece: Buffer) => {
    hash.update(piece)
    bodyBytes += piece.length
  })
  stream.on('end', () => {
    stream.respond({ ':status': 200, 'content-type': 'application/json' })
    stream.end(JSON.stringify({ ...about, bodyBytes, bodySha256: hash.digest('hex') }))
  })
}
