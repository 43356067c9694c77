/** A name server for tests, on loopback: answers from a table, or misbehaves as the test says. Not a real resolver. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { createServer, type Server as TcpServer } from 'node:net'
import { decode, encode, type Answer as Record, type DecodedPacket } from 'dns-packet'
import type { Server } from '../dns/exchange.ts'
import { framed } from './dns-client.ts'
import { onSamePort } from './same-port.ts'

export interface FakeUpstream extends AsyncDisposable {
  readonly server: Server
  /** Names asked for, in order; `tcp` in front of those that came over TCP. */
  readonly asked: readonly string[]
  /** Source ports and IDs of the questions that came over UDP. */
  readonly sources: readonly { readonly port: number; readonly id: number }[]
}

export interface FakeAnswer {
  readonly code?: 'NOERROR' | 'NXDOMAIN' | 'SERVFAIL' | 'REFUSED'
  readonly answers?: readonly Record[]
  readonly authorities?: readonly Record[]
  /** Over UDP only: no answers, TC set. */
  readonly truncated?: boolean
  readonly delayMs?: number
}

export interface FakeInit {
  /** undefined: no answer at all. */
  readonly answer: (name: string, type: string) => FakeAnswer | undefined
  /** Sent before the right answer. */
  readonly forge?: (right: Buffer) => readonly Buffer[]
  /** Default true. */
  readonly overTcp?: boolean
}

const codes = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 }

export async function fakeUpstream(init: FakeInit): Promise<FakeUpstream> {
  const asked: string[] = []
  const sources: { port: number; id: number }[] = []
  const respond = (message: Buffer, tcp: boolean): [Buffer, number] | undefined => {
    const query = decode(message)
    const [question] = query.questions ?? []
    if (question === undefined) return undefined
    asked.push(`${tcp ? 'tcp ' : ''}${question.name} ${question.type}`)
    const found = init.answer(question.name, question.type)
    return found === undefined ? undefined : [encoded(query, found, tcp), found.delayMs ?? 0]
  }
  const onQuestion = (socket: Socket, message: Buffer, { port, address }: RemoteInfo): void => {
    sources.push({ port, id: message.readUInt16BE(0) })
    const [right, delayMs] = respond(message, false) ?? []
    if (right === undefined) return
    setTimeout(() => {
      for (const forged of init.forge?.(right) ?? []) socket.send(forged, port, address)
      socket.send(right, port, address)
    }, delayMs)
  }
  const [udp, tcp] = await onSamePort(
    () => bound(onQuestion),
    (port) =>
      init.overTcp === false
        ? Promise.resolve(undefined)
        : listen(port, (one) => respond(one, true)?.[0]),
    closed,
  )
  return {
    server: { address: '127.0.0.1', port: udp.port },
    asked,
    sources,
    [Symbol.asyncDispose]: async () => {
      await closed(udp)
      tcp?.close()
    },
  }
}

interface Bound {
  readonly socket: Socket
  readonly port: number
}

async function bound(
  onQuestion: (socket: Socket, message: Buffer, from: RemoteInfo) => void,
): Promise<Bound> {
  const socket = createSocket('udp4', (message, from) => onQuestion(socket, message, from))
  await new Promise<void>((resolve) => {
    socket.bind(0, '127.0.0.1', resolve)
  })
  return { socket, port: socket.address().port }
}

function closed({ socket }: Bound): Promise<void> {
  return new Promise((resolve) => {
    socket.close(() => resolve())
  })
}

function encoded(query: DecodedPacket, found: FakeAnswer, tcp: boolean): Buffer {
  const truncated = found.truncated === true && !tcp
  return encode({
    type: 'response',
    id: query.id ?? 0,
    flags: 0x8580 | (truncated ? 0x0200 : 0) | codes[found.code ?? 'NOERROR'],
    questions: query.questions ?? [],
    answers: truncated ? [] : [...(found.answers ?? [])],
    authorities: [...(found.authorities ?? [])],
    additionals: [{ type: 'OPT', name: '.', udpPayloadSize: 4096, flags: 0, options: [] }] as never,
  })
}

async function listen(
  port: number,
  respond: (message: Buffer) => Buffer | undefined,
): Promise<TcpServer> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      const answer = respond(chunk.subarray(2))
      if (answer !== undefined) socket.write(framed(answer))
    })
  })
  return await new Promise<TcpServer>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
