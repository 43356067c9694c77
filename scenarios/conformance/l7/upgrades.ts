import { type Check, patternBytes } from '../../../harness/api.ts'
import {
  type Answer,
  describeAnswer,
  getRequest,
  type Http1Connection,
  openHttp,
} from '../support/http1.ts'
import { valuesOf } from '../support/http1-message.ts'
import type { Judgement } from '../support/judgement.ts'
import {
  clientFrame,
  type Frame,
  handshakeAnswer,
  handshakeKey,
  opcodes,
  frameBytes,
  serverFrame,
} from '../support/websocket.ts'
import { httpCheck } from './http-check.ts'

const idleMs = 60_000

const closeCode = 4321

/** Connections that stop being HTTP. */
export const upgrades: readonly Check[] = [
  httpCheck({
    requirement: 'L7-SEL-004',
    sends: 'a WebSocket handshake and a message to a port with appProtocol kubernetes.io/ws',
    expects: '101, and the message comes back',
    judge: async ({ context, judgement, at, place }) => {
      const connection = await openHttp(context, at, { host: place.host, port: 86 })
      if (!(await joined(connection, judgement))) return 'no WebSocket'
      await echoed(connection, judgement, 'text', Buffer.from('hello'))
      return 'a WebSocket with an echo'
    },
  }),
  httpCheck({
    requirement: 'L7-TRN-012',
    sends: `a WebSocket: text, 1 MiB of binary, ping, ${idleMs / 1000} s of silence, text, a close with ${closeCode}`,
    expects: '101; both messages come back, the ping is answered, so is the close, with its code',
    timeoutMs: idleMs + 60_000,
    judge: async ({ judgement, open }) => {
      const connection = await open()
      if (!(await joined(connection, judgement))) return 'no WebSocket'
      await echoed(connection, judgement, 'text', Buffer.from('hello'))
      await echoed(connection, judgement, 'binary', Buffer.from(patternBytes(0, 1024 * 1024)))
      await connection.send(clientFrame(opcodes.ping, Buffer.from('are you there?')))
      judgement.equal('pong', 'opcode 10, 14 bytes', describe(await nextFrame(connection)))
      await connection.idle(idleMs)
      await echoed(connection, judgement, 'text', Buffer.from('still there'))
      const code = Buffer.alloc(2)
      code.writeUInt16BE(closeCode)
      await connection.send(clientFrame(opcodes.close, code))
      const close = await nextFrame(connection)
      judgement.equal(
        'close code',
        closeCode,
        close?.opcode === opcodes.close ? close.payload.readUInt16BE(0) : describe(close),
      )
      return `a WebSocket that lived for ${idleMs / 1000} s of silence`
    },
  }),
  httpCheck({
    requirement: 'L7-TRN-013',
    sends:
      'a GET that asks for an Upgrade to a protocol that nobody knows, to a backend that agrees',
    expects: '101 and bytes in both directions, or an ordinary final response',
    judge: async ({ judgement, open }) => {
      const connection = await open()
      const answer = await connection.exchange(
        getRequest('/switch', 'Connection: Upgrade', 'Upgrade: meshmark-unknown/7'),
      )
      if (answer.kind === 'response' && answer.status === 101) {
        judgement.equal('Upgrade', ['meshmark-unknown/7'], valuesOf(answer.fields, 'upgrade'))
        const bytes = Buffer.from(patternBytes(0, 3000))
        await connection.send(bytes)
        const echo = await connection.hold(bytes.length)
        judgement.holds('bytes', 'come back', `${echo.length} bytes`, echo.equals(bytes))
        return '101, and bytes come back'
      }
      const isRefused = answer.kind === 'response' && answer.status >= 200
      judgement.holds('the answer', '101 or final', describeAnswer(answer), isRefused)
      return describeAnswer(answer)
    },
  }),
]

/** @returns whether the connection is a WebSocket now */
async function joined(connection: Http1Connection, judgement: Judgement): Promise<boolean> {
  const answer = await connection.exchange(
    getRequest(
      '/chat',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${handshakeKey}`,
    ),
  )
  judgement.equal('handshake', `101 ${handshakeAnswer}`, describeHandshake(answer))
  return answer.kind === 'response' && answer.status === 101
}

function describeHandshake(answer: Answer): string {
  if (answer.kind !== 'response') return describeAnswer(answer)
  return `${answer.status} ${valuesOf(answer.fields, 'sec-websocket-accept').join(' | ')}`
}

async function echoed(
  connection: Http1Connection,
  judgement: Judgement,
  kind: 'text' | 'binary',
  payload: Buffer,
): Promise<void> {
  await connection.send(clientFrame(opcodes[kind], payload))
  const back = await nextFrame(connection)
  judgement.holds(
    `${payload.length} bytes of ${kind}`,
    'the same message comes back',
    describe(back),
    back?.opcode === opcodes[kind] && back.isFinal && back.payload.equals(payload),
  )
}

/** The next message; undefined when none comes. */
async function nextFrame(connection: Http1Connection): Promise<Frame | undefined> {
  for (;;) {
    const wanted = frameBytes(connection.held)
    if (connection.held.length >= wanted) return serverFrame(connection.take(wanted))
    const held = await connection.hold(wanted)
    if (held.length < wanted) return undefined
  }
}

function describe(frame: Frame | undefined): string {
  return frame === undefined
    ? 'nothing came'
    : `opcode ${frame.opcode}, ${frame.payload.length} bytes`
}
