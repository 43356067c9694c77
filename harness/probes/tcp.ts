import type { Socket } from 'node:net'
import type { TcpJob } from '../model/probe.ts'
import { connectFirst } from './connection.ts'
import { closed, failureOf, timedOut } from './failure.ts'
import { resolveName } from './resolve.ts'
import type { Finding } from './run.ts'

/**
 * Connects, sends and reads. Without `expectBytes` it half-closes after sending and takes what comes until the peer
 * ends; with it, a peer that ends earlier is an observation of its own.
 */
export async function observeTcp(job: TcpJob, signal: AbortSignal): Promise<Finding> {
  let socket: Socket | undefined
  try {
    socket = await connectFirst(await resolveName(job.host, signal), job.port, signal)
    const { localAddress = '', localPort = 0, remoteAddress = '', remotePort = 0 } = socket
    const received = await exchange(socket, job)
    const { expectBytes = 0 } = job
    if (received.length < expectBytes)
      return closed(`the peer closed after ${received.length} of ${expectBytes} bytes`)
    return {
      kind: 'tcp',
      received: received.toString('utf8'),
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

function exchange(socket: Socket, { send, expectBytes }: TcpJob): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const done = (): void => {
      resolve(Buffer.concat(chunks))
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
