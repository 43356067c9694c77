/**
 * A backend that says who it is: `node backend.js <name>`. TCP 8080 greets with `<name> <peer address>` and then echoes,
 * half-close included; UDP 5300 answers each datagram with `<name> <peer address> <size>`.
 */
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

const [, , name = 'backend'] = process.argv

const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
  socket.on('error', () => undefined)
  socket.write(`${name} ${socket.remoteAddress ?? '?'}\n`)
  socket.pipe(socket)
})
const udp = createSocket('udp4', (message, from) => {
  udp.send(`${name} ${from.address} ${message.length}`, from.port, from.address)
})
server.listen(8080, '0.0.0.0', () => {
  udp.bind(5300, '0.0.0.0', () => process.stdout.write('ready\n'))
})
