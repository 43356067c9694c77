import type { Socket } from 'node:net'

/** Whoever was to read it is gone. */
export class PeerGone extends Error {}

/**
 * Writes, and waits while the peer does not read.
 * @throws PeerGone
 */
export async function write(socket: Socket, bytes: Uint8Array | string): Promise<void> {
  if (socket.destroyed || !socket.writable) throw new PeerGone()
  if (socket.write(bytes)) return
  await new Promise<void>((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done)
      resolve()
    }
    socket.on('drain', done).on('close', done)
  })
  if (socket.destroyed) throw new PeerGone()
}
