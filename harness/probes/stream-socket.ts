import type { OnReadOpts, Socket } from 'node:net'
import type { StreamJob, StreamPlayed } from '../model/probe.ts'
import { openConnection } from './connection.ts'
import { failureOf } from './failure.ts'

/** Takes what arrives; false when it wants no more. The piece is overwritten by the next read. */
export type Take = (piece: Buffer) => boolean

/** A TCP connection of which nothing is read unless somebody asks, so that back-pressure reaches the peer. */
export interface StreamSocket {
  readonly socket: Socket
  /** As far as reads and writes have shown. */
  readonly state: () => StreamPlayed['state']
  /** Reads into `take` until it says no, or `stop`. */
  readonly start: (take: Take) => void
  readonly stop: () => void
  /** Gives bytes back: the next `start` gets them first. */
  readonly giveBack: (rest: Buffer) => void
  /** Called when the peer ends or the connection breaks. */
  readonly onChange: (listener: (() => void) | undefined) => void
}

/** What the operating system gives at once, at most. */
const readBytes = 64 * 1024

/** @throws the operating system's error when the peer cannot be reached */
export async function connectStream(job: StreamJob, signal: AbortSignal): Promise<StreamSocket> {
  let take: Take | undefined
  let surplus: Buffer = Buffer.alloc(0)
  let state: StreamPlayed['state'] = 'open'
  let changed: (() => void) | undefined
  const onread: OnReadOpts = {
    buffer: Buffer.alloc(readBytes),
    callback: (bytes, buffer) => {
      const piece = Buffer.from(buffer.buffer, buffer.byteOffset, bytes)
      if (take !== undefined) return take(piece)
      surplus = Buffer.concat([surplus, piece])
      return false
    },
  }
  const { localAddress, localPort } = job
  const from = {
    ...(localAddress !== undefined && { localAddress }),
    ...(localPort !== undefined && { localPort }),
  }
  const socket = await openConnection(job.host, job.port, signal, { ...from, onread })
  const change = (next: StreamPlayed['state']): void => {
    state = next
    changed?.()
  }
  socket.on('end', () => {
    change('end')
  })
  socket.on('error', (error) => {
    change(brokenState(error))
  })
  socket.on('close', () => {
    if (state === 'open') change('reset')
  })
  return {
    socket,
    state: () => state,
    start: (next) => {
      take = next
      const first = surplus
      surplus = Buffer.alloc(0)
      if ((first.length === 0 || next(first)) && take === next) socket.resume()
    },
    stop: () => {
      take = undefined
      socket.pause()
    },
    giveBack: (rest) => {
      surplus = Buffer.concat([rest, surplus])
    },
    onChange: (listener) => {
      changed = listener
    },
  }
}

function brokenState(error: Error): 'reset' | 'timed-out' {
  try {
    return failureOf(error).kind === 'reset' ? 'reset' : 'timed-out'
  } catch {
    // why: our own destroy; nobody asks any more
    return 'reset'
  }
}
