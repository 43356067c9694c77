import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { UdpJob } from '../model/probe.ts'
import { failureOf, timedOut } from './failure.ts'
import { resolveName } from './resolve.ts'
import type { Finding } from './run.ts'

/** Sends one datagram from a connected socket (so that ICMP errors come back) and waits for one answer. */
export async function observeUdp(job: UdpJob, signal: AbortSignal): Promise<Finding> {
  try {
    const [address = ''] = await resolveName(job.host, signal)
    const answer = await exchangeDatagram(address, job.port, Buffer.from(job.send), signal)
    return { kind: 'udp', received: answer.toString('utf8') }
  } catch (error) {
    if (signal.aborted)
      return timedOut(`${job.host}:${job.port}: no datagram came back within ${job.timeoutMs} ms`)
    return failureOf(error)
  }
}

/**
 * One datagram there, the first that `accept` takes back.
 * @throws the operating system's error (ECONNREFUSED by ICMP, ...), or any error when the signal is aborted
 */
export function exchangeDatagram(
  address: string,
  port: number,
  message: Buffer,
  signal: AbortSignal,
  accept: (answer: Buffer) => boolean = () => true,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    let isOpen = true
    const finish = (settle: () => void): void => {
      if (!isOpen) return
      isOpen = false
      signal.removeEventListener('abort', abort)
      socket.close()
      settle()
    }
    const fail = (error: Error): void => {
      finish(() => {
        reject(error)
      })
    }
    const abort = (): void => {
      fail(new Error('aborted'))
    }
    signal.addEventListener('abort', abort, { once: true })
    socket.on('error', fail)
    socket.on('message', (answer) => {
      if (accept(answer))
        finish(() => {
          resolve(answer)
        })
    })
    socket.connect(port, address, (error?: Error) => {
      if (error !== undefined) fail(error)
      else if (isOpen)
        socket.send(message, (problem) => {
          if (problem !== null) fail(problem)
        })
    })
  })
}
