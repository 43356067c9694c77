import type { Socket } from 'node:net'

/**
 * Ends a connection with a reset, so that nobody takes what was sent for the whole.
 *
 * In the moment between `end()` and the kernel's word that it is done a socket must not be reset: libuv refuses with
 * EINVAL, and Node then neither closes the socket nor lets the process exit. All bytes are out by then, so destroying
 * it loses nothing.
 */
export function reset(socket: Socket): void {
  const shuttingDown =
    socket.writableEnded && !socket.writableFinished && socket.writableLength === 0
  if (shuttingDown) socket.destroy()
  else socket.resetAndDestroy()
}
