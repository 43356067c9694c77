import type { Socket } from 'node:net'
import type { TcpJob } from '../model/probe.ts'
import { openConnection } from './connection.ts'
import { failureOf, timedOut } from './failure.ts'
import { resolveName } from './resolve.ts'
import type { Finding } from './run.ts'

/** Connects, sends, half-closes, and reads until the peer ends or enough bytes came. */
export async function observeTcp(job: TcpJob, signal: AbortSignal): Promise<Finding> {
  let socket: Socket | undefined
  try {
    const [address = ''] = await resolveName(job.host, signal)
    socket = await openConnection(address, job.port, signal)
    const { localAddress = '', localPort = 0, remoteAddress = '', remotePort = 0 } = socket
    const received = await exchange(socket, job)
    return {
      kind: 'tcp',
      received,
      local: { address: localAddress, port: localPort },
      remote: { address: remoteAddress, port: remotePort },
    }
  } catch (error) {
    if (signal.aborted)
      return timedOut(`${job.host}:${job.port}: no complete answer within ${job.timeoutMs} ms`)
    return failureOf(error)
  } finally {
    socket?.destroy()
  }
}

function exchange(socket: Socket, { send, expectBytes }: TcpJob): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const done = (): void => {
      resolve(Buffer.concat(chunks).toString('utf8'))
    }
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      bytes += chunk.length
      if (expectBytes !== undefined && bytes >= expectBytes) done()
    })
    socket.on('end', done)
    socket.on('error', reject)
    if (expectBytes === undefined) socket.end(send ?? '')
    else if (send !== undefined) socket.write(send)
    if (expectBytes === 0) done()
  })
}
