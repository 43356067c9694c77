import type { Socket } from 'node:net'

/** Pulls bytes from a socket; what nobody asks for stays in the kernel, so that the peer feels it. */
export interface ByteReader {
  /** What has arrived and was not taken. */
  readonly bytes: Buffer
  /** How the peer ended; bytes may be left nevertheless. */
  readonly ended: 'open' | 'end' | 'reset'
  /** Waits for more; false when there will be none. */
  more(): Promise<boolean>
  /** Takes so many of `bytes`. */
  take(count: number): Buffer
  /** Gives the socket back to somebody else: paused, without what is in `bytes`. */
  release(): void
}

/** The socket has to be paused, without listeners for its data. */
export function byteReader(socket: Socket): ByteReader {
  let bytes: Buffer = Buffer.alloc(0)
  let ended: ByteReader['ended'] = socket.destroyed ? 'reset' : 'open'
  let wake = (): void => undefined
  const onData = (chunk: Buffer): void => {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
    socket.pause()
    wake()
  }
  const end = (how: 'end' | 'reset') => (): void => {
    if (ended === 'open') ended = how
    wake()
  }
  const onEnd = end('end')
  const onReset = end('reset')
  socket.on('data', onData).on('end', onEnd).on('close', onReset).on('error', onReset)
  return {
    get bytes() {
      return bytes
    },
    get ended() {
      return ended
    },
    more: async () => {
      const before = bytes.length
      while (ended === 'open' && bytes.length === before) {
        const woken = new Promise<void>((resolve) => (wake = resolve))
        socket.resume()
        await woken
      }
      return bytes.length > before
    },
    take: (count) => {
      const taken = bytes.subarray(0, count)
      bytes = bytes.subarray(count)
      return taken
    },
    release: () => {
      socket.off('data', onData).off('end', onEnd).off('close', onReset)
    },
  }
}
