import { connect, type OnReadOpts, type Socket } from 'node:net'
import { failureOf } from './failure.ts'

/** Where a connection starts, and who reads it. */
export interface ConnectionInit {
  readonly localAddress?: string
  readonly localPort?: number
  /** Takes what is read; nothing is read before `resume`. */
  readonly onread?: OnReadOpts
}

/**
 * Opens a TCP connection; aborting destroys it at once, then and later.
 * @throws the operating system's error (ECONNREFUSED, ...)
 */
export function openConnection(
  host: string,
  port: number,
  signal: AbortSignal,
  init: ConnectionInit = {},
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true, ...init })
    if (init.onread !== undefined) socket.pause()
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

/**
 * Tries addresses in the order in which the resolver gave them until one takes the connection, as curl does.
 * @throws the operating system's error for the last one
 */
export async function connectFirst(
  addresses: readonly string[],
  port: number,
  signal: AbortSignal,
): Promise<Socket> {
  const last = addresses.length - 1
  for (const address of addresses.slice(0, last)) {
    try {
      return await openConnection(address, port, signal)
    } catch (error) {
      if (signal.aborted) throw error
    }
  }
  return openConnection(addresses[last] ?? '', port, signal)
}

/**
 * Why a connection from a chosen source failed, as an observation.
 * @throws the error itself when the source is the trouble: an address that is not ours, a port in use, no port left
 */
export function connectionFailure(error: unknown): ReturnType<typeof failureOf> {
  const { code, syscall } = error as NodeJS.ErrnoException
  if (syscall === 'bind' || code === 'EADDRNOTAVAIL') throw error
  return failureOf(error)
}
