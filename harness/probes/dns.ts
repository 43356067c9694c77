import { randomInt } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import type { DnsJob } from '../model/probe.ts'
import { openConnection } from './connection.ts'
import { readAnswer } from './dns-answer.ts'
import { encodeQuery } from './dns-query.ts'
import { closed, failureOf, timedOut } from './failure.ts'
import type { Finding } from './run.ts'
import { exchangeDatagram } from './udp.ts'

/** Sends one query, once, and tells what came back: no retry, no search list, no falling back to TCP. */
export async function observeDns(job: DnsJob, signal: AbortSignal): Promise<Finding> {
  const server = job.server ?? (await firstNameServer())
  if (server === undefined)
    return { kind: 'name-failure', detail: '/etc/resolv.conf names no server' }
  const id = randomInt(0x1_0000)
  const message = encodeQuery(id, job)
  try {
    const answer =
      job.transport === 'udp'
        ? await exchangeDatagram(server.address, server.port, message, signal, (one) =>
            isAnswerTo(one, id),
          )
        : await exchangeStream(server, message, signal)
    return Buffer.isBuffer(answer) ? readAnswer(answer, id, job) : answer
  } catch (error) {
    if (signal.aborted)
      return timedOut(
        `${server.address}:${server.port}: no answer to ${job.name} ${job.type} within ${job.timeoutMs} ms`,
      )
    return failureOf(error)
  }
}

interface Server {
  readonly address: string
  readonly port: number
}

async function firstNameServer(): Promise<Server | undefined> {
  const text = await readFile('/etc/resolv.conf', 'utf8').catch(() => '')
  const address = /^[ \t]*nameserver[ \t]+(\S+)/m.exec(text)?.[1]
  return address === undefined ? undefined : { address, port: 53 }
}

/** Datagrams with another id are somebody else's and passed over, as a resolver does. */
function isAnswerTo(message: Buffer, id: number): boolean {
  return (
    message.length >= 12 && message.readUInt16BE(0) === id && (message.readUInt8(2) & 0x80) !== 0
  )
}

/** One message each way, with its length before it (RFC 1035 section 4.2.2). */
async function exchangeStream(
  { address, port }: Server,
  message: Buffer,
  signal: AbortSignal,
): Promise<Buffer | Finding> {
  const socket = await openConnection(address, port, signal)
  try {
    const head = Buffer.alloc(2)
    head.writeUInt16BE(message.length)
    socket.write(Buffer.concat([head, message]))
    return await readMessage(socket)
  } finally {
    socket.destroy()
  }
}

function readMessage(socket: Socket): Promise<Buffer | Finding> {
  return new Promise((resolve, reject) => {
    let bytes: Buffer = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      if (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0))
        resolve(bytes.subarray(2, 2 + bytes.readUInt16BE(0)))
    })
    socket.on('error', reject)
    socket.on('end', () => {
      resolve(closed(`the connection closed after ${bytes.length} bytes of the answer`))
    })
  })
}
