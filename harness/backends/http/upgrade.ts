import { IncomingMessage } from 'node:http'
import { fieldText, statusLine, type Exchange } from './exchange.ts'
import { listOf, valuesOf } from './head.ts'

/** Largest WebSocket message that is echoed, in bytes. */
const longestMessageBytes = 64 * 1024 * 1024

/** Takes over the connection when a WebSocket is asked for (RFC 6455): messages and close codes come back as they came. */
export async function upgrade(exchange: Exchange): Promise<boolean> {
  const { head, socket, reader, context } = exchange
  if (!listOf(head.fields, 'upgrade').includes('websocket')) return false
  // why: only few connections need it, and every pod's start would pay for it
  const { WebSocketServer } = await import('ws')
  const request = new IncomingMessage(socket)
  request.method = head.method
  request.url = head.target
  for (const [name] of head.fields)
    request.headers[name.toLowerCase()] = valuesOf(head.fields, name.toLowerCase()).join(', ')
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: longestMessageBytes,
    // why: a client that offers subprotocols gets the first, as ws does by default
    perMessageDeflate: false,
  })
  server.on('headers', (lines) => {
    lines.push(`X-Pod: ${context.identity.pod}`)
  })
  exchange.over = true
  reader.release()
  server.handleUpgrade(request, socket, reader.take(reader.bytes.length), (client) => {
    client.on('message', (data, isBinary) => {
      client.send(data, { binary: isBinary })
    })
    client.on('error', () => undefined)
  })
  socket.resume()
  return true
}

/** `/switch`: 101 with the token that was asked for, then bytes are echoed. */
export async function switchProtocols(exchange: Exchange): Promise<void> {
  const { head, socket, reader, context } = exchange
  const [token = 'echo'] = valuesOf(head.fields, 'upgrade')
  exchange.over = true
  reader.release()
  socket.write(
    `${statusLine(101)}${fieldText([
      ['Connection', 'upgrade'],
      ['Upgrade', token],
      ['X-Pod', context.identity.pod],
    ])}\r\n`,
  )
  socket.write(reader.take(reader.bytes.length))
  socket.pipe(socket)
}
