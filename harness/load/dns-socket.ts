import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { LoadTarget } from '../model/load.ts'
import { answered, failureName, type Outcome, timedOut } from './outcome.ts'

type DnsTarget = Extract<LoadTarget, { kind: 'dns' }>

/** One client of a name server: a connected UDP socket, so that ICMP errors come back and strangers' datagrams do not. */
export interface DnsSocket {
  /** Sends a query with an id of its own in its first two bytes. The outcome is told once. */
  ask(query: Buffer, onDone: (outcome: Outcome) => void): void
  close(): void
}

/** A query without an answer is given up after this time. */
const timeoutMs = 1_000

/** How often it is looked for such queries. */
const sweepEveryMs = 20

/** Room for answers that come while the generator is busy; the kernel gives what it allows. */
const receiveBufferBytes = 4 * 1024 * 1024

const ids = 0x1_0000

const rcodes: readonly string[] = [
  'NOERROR',
  'FORMERR',
  'SERVFAIL',
  'NXDOMAIN',
  'NOTIMP',
  'REFUSED',
]

/** @returns undefined for a code that has no such name */
export function rcodeNumber(rcode: string): number | undefined {
  const number = rcodes.indexOf(rcode)
  return number === -1 ? undefined : number
}

interface Waiting {
  readonly onDone: (outcome: Outcome) => void
  readonly sentMs: number
}

/** @throws the operating system's error when there is no way to the server */
export async function dnsSocket(target: DnsTarget): Promise<DnsSocket> {
  const socket = await connected(target)
  // why: a Map keeps the order of insertion, so that the oldest query is always the first
  const waiting = new Map<number, Waiting>()
  let lastId = Math.trunc(Math.random() * ids)
  const settle = (id: number, outcome: Outcome): void => {
    const one = waiting.get(id)
    if (one === undefined) return
    waiting.delete(id)
    one.onDone(outcome)
  }
  const failAll = (error: NodeJS.ErrnoException): void => {
    for (const id of [...waiting.keys()]) settle(id, { kind: 'failed', why: failureName(error) })
  }
  const judge = judgeFor(target)
  socket.on('message', (message) => {
    if (message.length >= 12) settle(message.readUInt16BE(0), judge(message))
  })
  socket.on('error', failAll)
  const sweeper = setInterval(() => {
    const oldestMs = performance.now() - timeoutMs
    for (const [id, { sentMs }] of waiting) {
      if (sentMs > oldestMs) break
      settle(id, { kind: 'failed', why: timedOut })
    }
  }, sweepEveryMs)
  return {
    ask: (query, onDone) => {
      if (waiting.size >= ids) {
        onDone({ kind: 'failed', why: 'no query id left' })
        return
      }
      do lastId = (lastId + 1) % ids
      while (waiting.has(lastId))
      const message = Buffer.from(query)
      message.writeUInt16BE(lastId, 0)
      waiting.set(lastId, { onDone, sentMs: performance.now() })
      socket.send(message)
    },
    close: () => {
      clearInterval(sweeper)
      waiting.clear()
      socket.close()
    },
  }
}

/** What an answer is worth, by its flags and counts; nothing else of it is read. */
function judgeFor({ expect }: DnsTarget): (message: Buffer) => Outcome {
  const wanted = rcodeNumber(expect.rcode)
  return (message) => {
    const flags = message.readUInt16BE(2)
    const rcode = flags & 0x000f
    const answers = message.readUInt16BE(6)
    if ((flags & 0x8000) === 0) return { kind: 'foreign', detail: 'a query instead of an answer' }
    if ((flags & 0x0200) !== 0) return { kind: 'failed', why: 'truncated' }
    if (rcode === wanted && answers >= expect.minAnswers) return answered
    if (rcode === 2) return { kind: 'failed', why: 'SERVFAIL' }
    return {
      kind: 'foreign',
      detail: `${rcodes[rcode] ?? `rcode ${rcode}`} with ${answers} answers, want ${expect.rcode} with ${expect.minAnswers} at least`,
    }
  }
}

function connected({ host, port }: DnsTarget): Promise<Socket> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.connect(port, host, () => {
      socket.off('error', reject)
      try {
        socket.setRecvBufferSize(receiveBufferBytes)
      } catch {
        // why: it is a wish; datagrams lost for want of room are counted (lost-datagrams.ts)
      }
      resolve(socket)
    })
  })
}
