import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import type { BackendContext } from './context.ts'
import { endpoint, identityLine } from './identity.ts'
import type { StreamRecord } from './journal.ts'

/** Speaks first, with the identity line, then echoes until the peer's FIN, and ends after the last byte. */
export function serveTcp(socket: Socket, { identity, journal }: BackendContext): void {
  const peer = endpoint(socket.remoteAddress, socket.remotePort)
  const local = { address: socket.localAddress ?? '', port: socket.localPort ?? 0 }
  socket.write(identityLine(identity, { local, peer }))
  const record: StreamRecord = {
    port: local.port,
    protocol: 'tcp',
    peer,
    command: '',
    bytes: 0,
    sha256: '',
    ended: 'open',
  }
  journal.streams.add(record, 512)
  const hash = createHash('sha256')
  const end = (how: 'end' | 'reset') => (): void => {
    if (record.ended !== 'open') return
    record.ended = how
    record.sha256 = hash.digest('hex')
  }
  socket.on('data', (chunk: Buffer) => {
    record.bytes += chunk.length
    hash.update(chunk)
  })
  socket.on('end', end('end')).on('close', end('reset'))
  socket.pipe(socket)
}
