import { connect, type Socket } from 'node:net'
import type { LoadTarget } from '../model/load.ts'
import type { AnswerChecker } from './answer-checker.ts'
import { answerReader } from './answer-reader.ts'
import { failureName, type Outcome } from './outcome.ts'

type HttpTarget = Extract<LoadTarget, { kind: 'http' | 'http-connect' }>

/** One kept-alive connection with one request at a time. Made anew when it breaks. */
export interface Connection {
  /** Resolves when it stands or cannot be had: then the next request tells why. */
  open(): Promise<void>
  /** Sends the request. The outcome is told once, later. */
  send(done: (outcome: Outcome) => void): void
  close(): void
}

export interface ConnectionInit {
  readonly target: HttpTarget
  readonly checker: AnswerChecker
  /** Asks for `Connection: close` and connects anew for each request. */
  readonly closing: boolean
}

/** A closing server that does not hang up is left after this time. */
const lingerMs = 1_000

/** Connections that take longer to open are not waited for before the load begins. */
const openingMs = 1_000

/** Reads are handed on at once and kept by nobody, so that all connections can share one buffer. */
const readBuffer = Buffer.allocUnsafe(64 * 1024)

export function connection({ target, checker, closing }: ConnectionInit): Connection {
  const request = requestBytes(target, closing)
  const reader = answerReader()
  let socket: Socket | undefined
  let pending: ((outcome: Outcome) => void) | undefined

  const settle = (outcome: Outcome): void => {
    const done = pending
    pending = undefined
    done?.(outcome)
  }
  const forget = (): Socket | undefined => {
    const forgotten = socket
    socket = undefined
    reader.reset()
    forgotten?.removeAllListeners()
    forgotten?.on('error', () => undefined)
    return forgotten
  }
  const fail = (why: string): void => {
    forget()?.destroy()
    settle({ kind: 'failed', why })
  }
  const finish = (answer: ReturnType<typeof reader.push>): void => {
    if (answer === undefined) return
    if (answer === 'malformed' || pending === undefined) {
      fail('malformed')
      return
    }
    const outcome = checker.check(answer.status, answer.body)
    if (closing) leave(forget())
    else if (answer.closes || answer.hasMore) {
      forget()?.destroy()
      connectNow()
    }
    settle(outcome)
  }
  const ended = (): void => {
    finish(reader.end())
    if (pending !== undefined) fail('closed')
    else forget()?.destroy()
  }
  const connectNow = (): Socket => {
    const made = connect({
      host: target.host,
      port: target.port,
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (size, bytes) => {
          if (made === socket)
            finish(reader.push(Buffer.from(bytes.buffer, bytes.byteOffset, size)))
          return true
        },
      },
    })
    socket = made
    made.on('error', (error) => {
      fail(failureName(error))
    })
    made.on('end', ended)
    made.on('close', ended)
    return made
  }
  return {
    open: () =>
      new Promise((resolve) => {
        const made = socket ?? connectNow()
        const timer = setTimeout(resolve, openingMs)
        for (const event of ['connect', 'error', 'close'] as const)
          made.once(event, () => {
            clearTimeout(timer)
            resolve()
          })
      }),
    send: (done) => {
      pending = done
      const made = socket ?? connectNow()
      made.write(request)
    },
    close: () => {
      pending = undefined
      forget()?.destroy()
    },
  }
}

/**
 * Lets the server close first and then resets: by then everything has arrived, and no side keeps the port in
 * TIME_WAIT. On this side a minute of it is 28 thousand connections. On the server's side it drops new connections:
 * through a Service and past it the same port arrives with other timestamps, which looks old (PAWS, RFC 7323).
 */
function leave(socket: Socket | undefined): void {
  if (socket === undefined) return
  socket.setTimeout(lingerMs, () => {
    socket.destroy()
  })
  socket.once('end', () => {
    socket.resetAndDestroy()
  })
  socket.resume()
}

function requestBytes({ path, authority }: HttpTarget, closing: boolean): Buffer {
  const close = closing ? 'Connection: close\r\n' : ''
  return Buffer.from(
    `GET ${path} HTTP/1.1\r\nHost: ${authority}\r\nUser-Agent: meshmark-load\r\n${close}\r\n`,
  )
}
