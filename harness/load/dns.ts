import { createSocket, type Socket } from 'node:dgram'
import packet from 'dns-packet'
import type { LoadJob, LoadResult, LoadTarget } from '../model/load.ts'
import { closedLoop } from './closed-loop.ts'
import type { Outcome } from './http-connection.ts'
import { openLoop } from './open-loop.ts'

type DnsTarget = Extract<LoadTarget, { kind: 'dns' }>

/** Sockets that the load is spread over: distinct source ports, as of so many clients. */
const socketCount = 8

/** A query without an answer is given up after this time. */
const timeoutMs = 1_000

const rcodes: Readonly<Record<string, number>> = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
}

const answered: Outcome = { kind: 'answered' }

/** DNS over UDP: queries are encoded once and only their ids change; of answers the head is read. */
export async function dnsLoad(job: LoadJob, target: DnsTarget): Promise<LoadResult> {
  const sockets = await Promise.all(Array.from({ length: socketCount }, () => dnsSocket(target)))
  const queries = target.questions.map(({ name, type }) =>
    packet.encode({
      type: 'query',
      id: 0,
      flags: packet.RECURSION_DESIRED,
      questions: [{ name, type: type as never }],
    }),
  )
  let turn = 0
  const ask = (onDone: (outcome: Outcome) => void): void => {
    const query = queries[turn % queries.length]
    const socket = sockets[turn % sockets.length]
    turn += 1
    if (query !== undefined) socket?.ask(query, onDone)
  }
  const close = (): void => {
    for (const socket of sockets) socket.close()
  }
  if (job.profile.kind === 'closed-loop')
    return closedLoop(job, {
      tool: 'meshmark',
      clients: Array.from({ length: job.profile.concurrency }, () => ask),
      close,
    })
  return openLoop(job, {
    tool: 'meshmark',
    close,
    issue: (onSent, onDone) => {
      onSent()
      ask(onDone)
    },
  })
}

interface DnsSocket {
  ask(query: Buffer, onDone: (outcome: Outcome) => void): void
  close(): void
}

interface Waiting {
  readonly onDone: (outcome: Outcome) => void
  readonly sentMs: number
}

async function dnsSocket(target: DnsTarget): Promise<DnsSocket> {
  const socket = createSocket('udp4')
  await connected(socket, target)
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  const wanted = rcodes[target.expect.rcode] ?? 0
  const settle = (id: number, outcome: Outcome): void => {
    const one = waiting.get(id)
    waiting.delete(id)
    one?.onDone(outcome)
  }
  socket.on('message', (message) => {
    if (message.length >= 12) settle(message.readUInt16BE(0), judge(message, wanted, target))
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    const why = error.code === 'ECONNREFUSED' ? 'refused' : error.message
    for (const id of [...waiting.keys()]) settle(id, { kind: 'failed', why })
  })
  const sweeper = setInterval(() => {
    const oldestMs = performance.now() - timeoutMs
    for (const [id, { sentMs }] of waiting) {
      if (sentMs > oldestMs) break
      settle(id, { kind: 'failed', why: 'timed-out' })
    }
  }, 50)
  return {
    ask: (query, onDone) => {
      do lastId = (lastId + 1) & 0xffff
      while (waiting.has(lastId))
      waiting.set(lastId, { onDone, sentMs: performance.now() })
      const message = Buffer.from(query)
      message.writeUInt16BE(lastId, 0)
      socket.send(message)
    },
    close: () => {
      clearInterval(sweeper)
      socket.close()
    },
  }
}

function judge(message: Buffer, wantedRcode: number, { expect }: DnsTarget): Outcome {
  const rcode = message.readUInt8(3) & 0x0f
  const answers = message.readUInt16BE(6)
  if (rcode === wantedRcode && answers >= expect.minAnswers) return answered
  if (rcode === 2) return { kind: 'failed', why: 'SERVFAIL' }
  return { kind: 'foreign', detail: `rcode ${rcode} with ${answers} answers` }
}

function connected(socket: Socket, { host, port }: DnsTarget): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.connect(port, host, () => {
      socket.off('error', reject)
      resolve()
    })
  })
}
