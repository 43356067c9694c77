import { randomInt } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import packet, { type Answer, type DecodedPacket } from 'dns-packet'
import type { DnsJob, DnsRecord } from '../model/probe.ts'
import { openConnection } from './connection.ts'
import { failureOf, malformed, timedOut } from './failure.ts'
import type { Finding } from './run.ts'
import { exchangeDatagram } from './udp.ts'

/** Sends one query and tells what came back. dns-packet reads the answer: not the codec of any target. */
export async function observeDns(job: DnsJob, signal: AbortSignal): Promise<Finding> {
  const server = job.server ?? (await firstNameServer())
  if (server === undefined) return { kind: 'name-failure', detail: 'resolv.conf names no server' }
  const id = randomInt(0x1_0000)
  try {
    const message = encodeQuery(id, job)
    const answer =
      job.transport === 'udp'
        ? await exchangeDatagram(server.address, server.port, message, signal, (one) =>
            isAnswerTo(one, id),
          )
        : await exchangeStream(server, message, signal)
    return findingOf(answer, id)
  } catch (error) {
    if (signal.aborted)
      return timedOut(
        `${server.address}:${server.port}: no answer to ${job.name} ${job.type} within ${job.timeoutMs} ms`,
      )
    return failureOf(error)
  }
}

async function firstNameServer(): Promise<
  { readonly address: string; readonly port: number } | undefined
> {
  const text = await readFile('/etc/resolv.conf', 'utf8').catch(() => '')
  const address = /^\s*nameserver\s+(\S+)/m.exec(text)?.[1]
  return address === undefined ? undefined : { address, port: 53 }
}

function encodeQuery(id: number, { name, type }: DnsJob): Buffer {
  return packet.encode({
    type: 'query',
    id,
    flags: packet.RECURSION_DESIRED,
    questions: [{ name, type: type as never, class: 'IN' }],
  })
}

function isAnswerTo(message: Buffer, id: number): boolean {
  return (
    message.length >= 12 && message.readUInt16BE(0) === id && (message.readUInt8(2) & 0x80) !== 0
  )
}

async function exchangeStream(
  server: { readonly address: string; readonly port: number },
  message: Buffer,
  signal: AbortSignal,
): Promise<Buffer> {
  const socket = await openConnection(server.address, server.port, signal)
  try {
    const head = Buffer.alloc(2)
    head.writeUInt16BE(message.length)
    socket.write(Buffer.concat([head, message]))
    return await readMessage(socket)
  } finally {
    socket.destroy()
  }
}

function readMessage(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let bytes: Buffer = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      if (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0))
        resolve(bytes.subarray(2, 2 + bytes.readUInt16BE(0)))
    })
    socket.on('error', reject)
    socket.on('end', () => {
      reject(
        Object.assign(new Error('the connection closed before a complete answer'), {
          code: 'ECONNRESET',
        }),
      )
    })
  })
}

function findingOf(message: Buffer, id: number): Finding {
  let decoded: DecodedPacket & { readonly rcode?: string }
  try {
    decoded = packet.decode(message)
  } catch (error) {
    return malformed(`the answer cannot be read: ${String(error)}`)
  }
  if (decoded.id !== id) return malformed(`the answer has id ${String(decoded.id)}, want ${id}`)
  return {
    kind: 'dns',
    rcode: decoded.rcode ?? String(message.readUInt8(3) & 0x0f),
    authoritative: decoded.flag_aa,
    truncated: decoded.flag_tc,
    answers: records(decoded.answers),
    authorities: records(decoded.authorities),
    additionals: records(decoded.additionals),
    sizeBytes: message.length,
  }
}

function records(all: readonly Answer[] = []): readonly DnsRecord[] {
  return all.flatMap((one) =>
    one.type === 'OPT'
      ? []
      : [
          {
            name: one.name,
            type: one.type,
            ttlSeconds: ('ttl' in one ? one.ttl : undefined) ?? 0,
            data: presentation(one),
          },
        ],
  )
}

function presentation(record: Answer): string {
  const data: unknown = 'data' in record ? record.data : undefined
  switch (record.type) {
    case 'SRV':
      return `${record.data.priority ?? 0} ${record.data.weight ?? 0} ${record.data.port} ${record.data.target}`
    case 'MX':
      return `${record.data.preference ?? 0} ${record.data.exchange}`
    case 'SOA': {
      const {
        mname,
        rname,
        serial = 0,
        refresh = 0,
        retry = 0,
        expire = 0,
        minimum = 0,
      } = record.data
      return `${mname} ${rname} ${serial} ${refresh} ${retry} ${expire} ${minimum}`
    }
    case 'TXT':
      return (Array.isArray(data) ? data : [data]).map(String).join(' ')
    default:
      return typeof data === 'string' ? data : JSON.stringify(data)
  }
}
