/**
 * `node http-backend.js <name>`: HTTP on 8081. `PUT /` answers with the SHA-256 of the body, `GET /n` with n octets,
 * a WebSocket echoes and closes with code 4001 when it hears `bye`. Every answer carries `x-backend: <name>` and
 * `x-peer: <address>`.
 */
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'

const [, , name = 'backend'] = process.argv

const server = createServer((request, response) => {
  response.setHeader('x-backend', name)
  response.setHeader('x-peer', request.socket.remoteAddress ?? '?')
  response.setHeader('x-forwarded-for-seen', String(request.headers['x-forwarded-for'] ?? ''))
  const hash = createHash('sha256')
  request.on('data', (part: Buffer) => hash.update(part))
  request.on('end', () => {
    const size = Number(/^\/(\d+)$/.exec(request.url ?? '')?.[1] ?? -1)
    if (request.method === 'GET' && size >= 0) response.end(Buffer.alloc(size, 'meshmark '))
    else response.end(`${hash.digest('hex')}\n`)
  })
})
new WebSocketServer({ server }).on('connection', (socket) => {
  socket.on('message', (data: Buffer, isBinary) => {
    if (!isBinary && data.toString() === 'bye') socket.close(4001, 'as you wish')
    else socket.send(data, { binary: isBinary })
  })
})
server.listen(8081, '0.0.0.0', () => process.stdout.write('ready\n'))
