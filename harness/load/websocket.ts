import { createHash, randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { LoadError } from '../model/errors.ts'
import type { LoadJob, LoadOptions, LoadResult, LoadTarget } from '../model/load.ts'
import { closedLoop } from './closed-loop.ts'
import { fifo } from './fifo.ts'
import { openLoop } from './open-loop.ts'
import { answered, type Client, failureName, type Outcome } from './outcome.ts'

type WebSocketTarget = Extract<LoadTarget, { kind: 'websocket' }>

/** A handshake that takes longer is given up. */
const openingMs = 5_000

/** RFC 6455 section 1.3. */
const magic = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** One WebSocket with one message at a time under way; it is not opened again when it breaks. */
interface Echoing {
  readonly send: Client
  readonly close: () => void
}

/**
 * Messages over WebSockets that stay open, each of which has to come back byte for byte. All of them are the same, so
 * the frame that must come back is known beforehand.
 * @throws LoadError when a WebSocket cannot be opened
 */
export async function webSocketLoad(
  job: LoadJob,
  target: WebSocketTarget,
  options: LoadOptions,
): Promise<LoadResult> {
  const { profile } = job
  const count = profile.kind === 'closed-loop' ? profile.concurrency : target.connections
  const opened = await Promise.all(Array.from({ length: count }, () => open(target)))
  const close = (): void => {
    for (const one of opened) one.close()
  }
  const tool = 'meshmark'
  if (profile.kind === 'closed-loop')
    return closedLoop(job, { tool, clients: opened.map(({ send }) => send), close }, options)
  const idle = fifo<Echoing>()
  const waiting = fifo<(free: Echoing) => void>()
  for (const one of opened) idle.push(one)
  const issue = (onSent: () => void, onDone: (outcome: Outcome) => void): void => {
    const use = (free: Echoing): void => {
      onSent()
      free.send((outcome) => {
        onDone(outcome)
        const next = waiting.shift()
        if (next === undefined) idle.push(free)
        else next(free)
      })
    }
    const free = idle.shift()
    if (free === undefined) waiting.push(use)
    else use(free)
  }
  return openLoop(job, { tool, issue, close }, options)
}

async function open(target: WebSocketTarget): Promise<Echoing> {
  const socket = connect({ host: target.host, port: target.port, noDelay: true })
  const rest = await handshake(socket, target)
  const payload = Buffer.alloc(target.messageBytes, 'meshmark ')
  const request = frame(payload, randomBytes(4))
  const wanted = frame(payload)
  let received = rest
  let pending: ((outcome: Outcome) => void) | undefined
  let broken: string | undefined
  const settle = (outcome: Outcome): void => {
    const done = pending
    pending = undefined
    done?.(outcome)
  }
  const breakUp = (why: string): void => {
    broken ??= why
    socket.destroy()
    settle({ kind: 'failed', why: broken })
  }
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
    if (received.length < wanted.length && pending !== undefined) return
    const isEcho = pending !== undefined && received.equals(wanted)
    received = Buffer.alloc(0)
    if (isEcho) settle(answered)
    else breakUp('malformed')
  })
  socket.on('error', (error) => {
    breakUp(failureName(error))
  })
  socket.on('close', () => {
    breakUp('closed')
  })
  return {
    send: (onDone) => {
      if (broken !== undefined) {
        const why = broken
        setImmediate(onDone, { kind: 'failed', why })
        return
      }
      pending = onDone
      socket.write(request)
    },
    close: () => {
      pending = undefined
      socket.removeAllListeners()
      socket.on('error', () => undefined)
      socket.destroy()
    },
  }
}

/** @returns what came behind the answer */
function handshake(socket: Socket, { path, authority }: WebSocketTarget): Promise<Buffer> {
  const key = randomBytes(16).toString('base64')
  const accept = createHash('sha1').update(`${key}${magic}`).digest('base64')
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: ${authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\nUser-Agent: meshmark-load\r\n\r\n`,
  )
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0)
    const fail = (why: string): void => {
      over()
      socket.on('error', () => undefined)
      socket.destroy()
      reject(new LoadError('program-failed', `a WebSocket could not be opened: ${why}`))
    }
    const onError = (error: Error): void => {
      fail(failureName(error))
    }
    const onEnd = (): void => {
      fail('closed')
    }
    const onData = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk])
      const end = head.indexOf('\r\n\r\n')
      if (end === -1) return
      const text = head.toString('latin1', 0, end)
      const isAccepted =
        text.startsWith('HTTP/1.1 101') &&
        text.toLowerCase().includes(`\r\nsec-websocket-accept: ${accept.toLowerCase()}`)
      if (!isAccepted) fail(`got ${text.split('\r\n')[0] ?? ''}, want 101 with our key`)
      else {
        over()
        resolve(head.subarray(end + 4))
      }
    }
    const timer = setTimeout(() => {
      fail(`no answer within ${openingMs} ms`)
    }, openingMs)
    const over = (): void => {
      clearTimeout(timer)
      socket.off('data', onData).off('error', onError).off('end', onEnd)
    }
    socket.on('data', onData).on('error', onError).on('end', onEnd)
  })
}

/** A final binary frame (RFC 6455 section 5.2); those of a client are masked. */
function frame(payload: Buffer, mask?: Buffer): Buffer {
  const masked = mask === undefined ? 0 : 0x80
  const head =
    payload.length < 126
      ? Buffer.from([0x82, masked | payload.length])
      : payload.length < 0x1_0000
        ? Buffer.from([0x82, masked | 126, payload.length >> 8, payload.length & 0xff])
        : longHead(payload.length, masked)
  if (mask === undefined) return Buffer.concat([head, payload])
  const body = Buffer.from(payload.map((byte, index) => byte ^ (mask[index & 3] ?? 0)))
  return Buffer.concat([head, mask, body])
}

function longHead(length: number, masked: number): Buffer {
  const head = Buffer.alloc(10)
  head[0] = 0x82
  head[1] = masked | 127
  head.writeBigUInt64BE(BigInt(length), 2)
  return head
}
