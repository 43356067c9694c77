/** `node ws-client.js <url>`: sends text, 1 MiB of binary, a ping, `bye`; prints what came back, one line each. */
import { createHash, randomBytes } from 'node:crypto'
import { WebSocket } from 'ws'

const [, , url = ''] = process.argv
const socket = new WebSocket(url)
const binary = randomBytes(1024 * 1024)
const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

socket.on('open', () => socket.send('hello'))
socket.on('error', (error) => process.stdout.write(`error ${error.message}\n`))
socket.on('pong', () => {
  process.stdout.write('pong\n')
  socket.send('bye')
})
socket.on('message', (data: Buffer, isBinary) => {
  if (!isBinary) {
    process.stdout.write(`text ${data.toString()}\n`)
    socket.send(binary)
    return
  }
  process.stdout.write(`binary ${digest(data) === digest(binary) ? 'equal' : 'different'}\n`)
  socket.ping()
})
socket.on('close', (code, reason) => process.stdout.write(`close ${code} ${reason.toString()}\n`))
