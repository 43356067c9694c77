import { setTimeout as delay } from 'node:timers/promises'
import { patternBytes } from '../../model/pattern.ts'
import { write } from '../write.ts'
import {
  answer,
  answerInPieces,
  type Exchange,
  fieldText,
  headText,
  allowsBody,
  statusLine,
} from './exchange.ts'
import type { Routes } from './routes.ts'
import { switchProtocols } from './upgrade.ts'

/** Bytes of a body that are made at a time. */
const pieceBytes = 65_536

/** Answers that follow the rules. */
export const plainRoutes: Routes = {
  /** The status; with `?times=T` only for the first T requests for this very target, then 200. */
  '/status/CODE': {
    run: async (exchange, [code = '']) => {
      const times = Number(exchange.head.query.get('times') ?? Infinity)
      const status = Number(code)
      if (status < 200 || status > 599) await answer(exchange, 400, 'want a status of 200 to 599\n')
      else if (askedBefore(exchange) > times) await answer(exchange, 200, 'at last\n')
      else await answer(exchange, status, `${code}\n`)
    },
  },
  '/delay/MS': {
    run: async (exchange, [ms = '']) => {
      await delay(Number(ms))
      await answer(exchange, 200, `after ${ms} ms\n`)
    },
  },
  /** So many bytes of the pattern, with their length. */
  '/bytes/N': {
    run: async (exchange, [count = '']) => {
      await write(exchange.socket, headText(exchange, 200, [['Content-Length', count]]))
      if (!allowsBody(exchange, 200)) return
      for (const piece of pattern(Number(count), [pieceBytes])) await write(exchange.socket, piece)
    },
  },
  /** The pattern in chunks; `?sizes=1,10,100` are taken in turn. */
  '/chunked/N': {
    run: async (exchange, [count = '']) => {
      const sizes = (exchange.head.query.get('sizes') ?? String(pieceBytes)).split(',').map(Number)
      if (sizes.some((size) => !Number.isInteger(size) || size < 1))
        await answer(exchange, 400, 'want sizes=1,10,...\n')
      else await answerInPieces(exchange, pattern(Number(count), sizes))
    },
  },
  /** The pattern without a length: the body ends with the connection. */
  '/until-close/N': {
    run: async (exchange, [count = '']) => {
      exchange.closes = true
      await write(exchange.socket, headText(exchange, 200, []))
      if (!allowsBody(exchange, 200)) return
      for (const piece of pattern(Number(count), [pieceBytes])) await write(exchange.socket, piece)
    },
  },
  /** Server-sent events; each says when it was written, in ms since 1970. */
  '/sse/N/GAPMS': {
    run: async (exchange, [count = '', gapMs = '']) => {
      const type = ['Content-Type', 'text/event-stream'] as const
      await answerInPieces(exchange, events(Number(count), Number(gapMs)), [type])
    },
  },
  '/trailers': {
    run: async (exchange) => {
      const trailers = [
        ['X-Checksum', '4711'],
        ['X-Last', 'yes'],
      ] as const
      const announced = ['Trailer', 'X-Checksum, X-Last'] as const
      await answerInPieces(exchange, [Buffer.from('body\n')], [announced], trailers)
    },
  },
  /** 103 before the answer; `?status=102&count=3` for others. */
  '/early-hints': {
    run: async (exchange) => {
      const { query, minor } = exchange.head
      const status = Number(query.get('status') ?? 103)
      const hint = fieldText([['Link', '</style.css>; rel=preload; as=style']])
      // why: RFC 9110 section 15.2, never to a client of HTTP/1.0
      for (let left = Number(query.get('count') ?? 1); left > 0 && minor === 1; left -= 1)
        await write(exchange.socket, `${statusLine(status)}${hint}\r\n`)
      await answer(exchange, 200, 'final\n')
    },
  },
  /** Final at once, the body unread; `?status=401` for another one. */
  '/refuse-expect': {
    early: true,
    run: async (exchange) => {
      exchange.closes = true
      await answer(exchange, Number(exchange.head.query.get('status') ?? 417), 'not wanted\n')
    },
  },
  '/switch': { run: switchProtocols },
  /** Fields that no proxy may pass on (RFC 9110 section 7.6.1), and one that it has to. */
  '/hop-by-hop': {
    run: async (exchange) => {
      await answer(exchange, 200, 'ok\n', [
        ['Connection', 'x-nominated'],
        ['X-Nominated', 'must not be forwarded'],
        ['Keep-Alive', 'timeout=17'],
        ['Proxy-Connection', 'keep-alive'],
        ['X-End-To-End', 'must be forwarded'],
      ])
    },
  },
  '/cookies': {
    run: async (exchange) => {
      await answer(exchange, 200, 'ok\n', [
        ['Set-Cookie', 'first=1; Path=/'],
        ['X-Between', 'yes'],
        ['Set-Cookie', 'second=2; Path=/; Expires=Wed, 01 Jan 2031 00:00:00 GMT'],
      ])
    },
  },
  '/close': {
    run: async (exchange) => {
      exchange.closes = true
      await answer(exchange, 200, 'closing\n')
    },
  },
  /** 304 with the length of what is not sent. */
  '/head-only': {
    run: async (exchange) => {
      const fields = [
        ['ETag', '"1"'],
        ['Content-Length', '1000'],
      ] as const
      await write(exchange.socket, headText(exchange, 304, fields))
    },
  },
  /** A header field of so many bytes. */
  '/header/N': {
    run: async (exchange, [count = '']) => {
      const long = 'x'.repeat(Math.min(Number(count), 1024 * 1024))
      await answer(exchange, 200, 'ok\n', [['X-Long', long]])
    },
  },
}

function* pattern(count: number, sizes: readonly number[]): Generator<Uint8Array> {
  for (let from = 0, turn = 0; from < count; turn += 1) {
    const size = Math.min(sizes[turn % sizes.length] ?? count, count - from)
    yield patternBytes(from, size)
    from += size
  }
}

async function* events(count: number, gapMs: number): AsyncGenerator<Uint8Array> {
  for (let number = 1; number <= count; number += 1) {
    yield Buffer.from(`id: ${number}\ndata: ${Date.now()}\n\n`)
    if (number < count) await delay(gapMs)
  }
}

/** How often this very target was asked for, this time included, as far as the journal remembers. */
function askedBefore({ context, head }: Exchange): number {
  const line = Buffer.from(`${head.method} ${head.target} `, 'latin1')
  return context.journal.requests.entries.filter((one) =>
    one.head.subarray(0, line.length).equals(line),
  ).length
}
