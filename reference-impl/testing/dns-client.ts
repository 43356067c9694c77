/** A DNS client that shares no code with the server: dns-packet on plain sockets. */
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { decode, encode, type DecodedPacket, type Packet } from 'dns-packet'

export interface AskOptions {
  readonly address?: string
  readonly port: number
  readonly timeoutMs?: number
}

/** Asks once over UDP. @throws Error `timeout` when nothing came, or as the system says */
export async function askOverUdp(
  query: Packet | Buffer,
  { address = '127.0.0.1', port, timeoutMs = 2000 }: AskOptions,
): Promise<Buffer> {
  const socket = createSocket('udp4')
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('timeout')), timeoutMs)
      socket.once('error', (error) => {
        clearTimeout(timer)
        reject(error)
      })
      socket.once('message', (message) => {
        clearTimeout(timer)
        resolve(message)
      })
      socket.connect(port, address, () => {
        socket.send(Buffer.isBuffer(query) ? query : encode(query))
      })
    })
  } finally {
    socket.close()
  }
}

/** Asks over one TCP connection, all questions at once; resolves with as many answers, or those until it closed. */
export async function askOverTcp(
  queries: readonly Packet[],
  { address = '127.0.0.1', port, timeoutMs = 2000 }: AskOptions,
): Promise<readonly Buffer[]> {
  const socket = connect({ host: address, port })
  const answers: Buffer[] = []
  let received: Buffer = Buffer.alloc(0)
  return await new Promise<readonly Buffer[]>((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error('timeout'))
    }, timeoutMs)
    const finish = (): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answers)
    }
    socket.on('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    socket.on('close', finish)
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0)
        answers.push(Buffer.from(received.subarray(2, end)))
        received = received.subarray(end)
      }
      if (answers.length >= queries.length) finish()
    })
    for (const query of queries) socket.write(framed(encode(query)))
  })
}

export function framed(message: Buffer): Buffer {
  const out = Buffer.alloc(2 + message.length)
  out.writeUInt16BE(message.length, 0)
  message.copy(out, 2)
  return out
}

export function question(
  name: string,
  type = 'A',
  change: Partial<Packet> = {},
): Packet & { id: number } {
  return {
    type: 'query',
    id: 4711,
    flags: 0x0100,
    questions: [{ name, type: type as 'A' }],
    ...change,
  } as Packet & { id: number }
}

/** Lines such as `NOERROR`, `web.default.svc.cluster.local A 10.96.0.10`, for one comparison per answer. */
export function summary(message: Buffer): readonly string[] {
  const packet = decode(message)
  return [codeOf(packet), ...(packet.answers ?? []).map(recordText).sort()]
}

export function codeOf(packet: DecodedPacket): string {
  return (packet as unknown as { rcode: string }).rcode
}

function recordText(record: { name: string; type: string; data?: unknown }): string {
  const { data } = record
  const shown =
    Array.isArray(data) || Buffer.isBuffer(data)
      ? String(data)
      : typeof data === 'object' && data !== null
        ? Object.values(data).join(' ')
        : String(data)
  return `${record.name} ${record.type} ${shown}`
}
