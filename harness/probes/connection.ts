import { connect, type Socket } from 'node:net'

/**
 * Opens a TCP connection; aborting destroys it at once.
 * @throws the operating system's error (ECONNREFUSED, ...)
 */
export function openConnection(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true })
    const abort = (): void => {
      socket.destroy(new Error('aborted'))
    }
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    socket.once('close', () => {
      signal.removeEventListener('abort', abort)
    })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}
