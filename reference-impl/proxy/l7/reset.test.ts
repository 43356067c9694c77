import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import t from 'tap'
import { reset } from './reset.ts'

t.test('a connection is closed whatever state it is in', async (t) => {
  const server = createServer({ allowHalfOpen: true })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const states: Readonly<Record<string, (socket: Socket) => void>> = {
    open: () => undefined,
    'just ended': (socket) => socket.end(),
    'ended behind bytes that nobody takes': (socket) => socket.end(Buffer.alloc(32_000_000)),
  }
  for (const [name, prepare] of Object.entries(states)) {
    const accepted = once(server, 'connection')
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
    client.on('error', () => undefined)
    client.pause()
    const [socket] = (await accepted) as [Socket]
    socket.on('error', () => undefined)
    prepare(socket)
    const closed = once(socket, 'close')
    reset(socket)
    await closed
    t.equal(socket.destroyed, true, name)
    client.destroy()
  }
  server.close()
})
