import { setTimeout as delay } from 'node:timers/promises'
import { patternBytes } from '../../model/pattern.ts'
import { PeerGone, write } from '../write.ts'
import { answer, chunk, type Exchange, headText } from './exchange.ts'
import type { Routes } from './routes.ts'

/**
 * How long a RST waits behind data. A client on libuv (Node.js) that finds both at once reports an ordinary end, so
 * they have to arrive apart.
 */
const resetGapMs = 30

/** Answers that break the rules. */
export const faultRoutes: Routes = {
  /** Declares twice as much as the N bytes that it sends; then FIN, or RST with `?how=rst`. `?chunked=1`: no last chunk. */
  '/cut/N': {
    run: async (exchange, [count = '']) => {
      const { query } = exchange.head
      const body = Buffer.from(patternBytes(0, Math.min(Number(count), 16 * 1024 * 1024)))
      const isChunked = query.get('chunked') === '1'
      const framing = isChunked
        ? (['Transfer-Encoding', 'chunked'] as const)
        : (['Content-Length', String(2 * body.length + 1)] as const)
      await write(exchange.socket, headText(exchange, 200, [framing]))
      await written(exchange, isChunked ? chunk(body) : body)
      await delay(resetGapMs)
      end(exchange, query.get('how'))
    },
  },
  /** RST once the request has arrived. */
  '/reset': {
    run: async (exchange) => {
      end(exchange, 'rst')
    },
  },
  /** RST once the head has arrived. */
  '/reset-early': {
    early: true,
    run: async (exchange) => {
      end(exchange, 'rst')
    },
  },
  /** Never answers; ends with the client. */
  '/stall': {
    run: async (exchange) => {
      const { reader } = exchange
      do reader.take(reader.bytes.length)
      while (await reader.more())
      exchange.closes = true
    },
  },
  /**
   * Keeps the connection, and closes it when it was idle for so long; with `?on=request` when the first byte of the next
   * request arrives.
   */
  '/close-after/MS': {
    run: async (exchange, [ms = '']) => {
      const { reader, socket, head } = exchange
      await answer(exchange, 200, 'kept\n')
      const isOnRequest = head.query.get('on') === 'request'
      const timer = isOnRequest ? undefined : setTimeout(() => socket.end(), Number(ms))
      const arrived = reader.bytes.length > 0 || (await reader.more())
      clearTimeout(timer)
      if (!isOnRequest && arrived && socket.writable) return
      exchange.closes = true
      if (isOnRequest) reader.take(reader.bytes.length)
    },
  },
  /** Sends `?base64=...` as it is; then FIN, RST with `?how=rst`, or the connection stays with `?how=keep`. */
  '/raw': {
    run: async (exchange) => {
      const { query } = exchange.head
      await written(exchange, Buffer.from(query.get('base64') ?? '', 'base64'))
      if (query.get('how') === 'keep') return
      await delay(resetGapMs)
      end(exchange, query.get('how'))
    },
  },
}

/** Resolves when the kernel has it, so that a RST does not take it back from our own buffer. */
function written({ socket }: Exchange, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => {
      if (error) reject(new PeerGone())
      else resolve()
    })
  })
}

function end(exchange: Exchange, how: string | null): void {
  exchange.closes = true
  if (how !== 'rst') return
  exchange.over = true
  exchange.socket.resetAndDestroy()
}
