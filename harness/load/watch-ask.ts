import { createSocket } from 'node:dgram'
import { connect, isIPv6, type Socket } from 'node:net'
import packet from 'dns-packet'
import { assertNever } from '../model/errors.ts'
import type { WatchTarget } from '../model/watch.ts'
import { failureName } from './outcome.ts'

/** What came of one request. */
export interface Seen {
  readonly answered: boolean
  readonly seen: string
}

/** Sends one request. The outcome is told once; calling what it returns gives the request up untold. */
export type Ask = (onDone: (seen: Seen) => void) => () => void

export interface Asking {
  readonly ask: Ask
  readonly close: () => void
}

const longestAnswerBytes = 64 * 1024

/** How to ask a target. A `kept-tcp` connection is opened here. */
export function asking(target: WatchTarget): Asking {
  switch (target.kind) {
    case 'tcp':
      return { ask: overTcp(target, '', podOfLine), close: () => undefined }
    case 'http':
      return {
        ask: overTcp(target, getRequest(target.authority), podOfHead),
        close: () => undefined,
      }
    case 'udp':
      return { ask: overUdp(target, () => Buffer.from('who'), podOfLine), close: () => undefined }
    case 'dns':
      return { ask: overUdp(target, dnsQuery(target), addressesOf), close: () => undefined }
    case 'kept-tcp':
      return keptTcp(target)
    default:
      return assertNever(target)
  }
}

interface Where {
  readonly host: string
  readonly port: number
}

/** Reads an answer: undefined while more has to come. */
type Read = (bytes: Buffer) => Seen | undefined

function overTcp({ host, port }: Where, request: string, read: Read): Ask {
  return (onDone) => {
    const socket = connect({ host, port, noDelay: true })
    let parts = Buffer.alloc(0)
    const finish = (seen: Seen): void => {
      leave(socket)
      onDone(seen)
    }
    if (request !== '') socket.write(request)
    socket.on('data', (chunk: Buffer) => {
      parts = Buffer.concat([parts, chunk])
      const seen = read(parts)
      if (seen !== undefined) finish(seen)
      else if (parts.length > longestAnswerBytes) finish(failed('malformed'))
    })
    socket.on('error', (error) => {
      finish(failed(failureName(error)))
    })
    socket.on('end', () => {
      finish(failed('closed'))
    })
    return () => {
      leave(socket)
    }
  }
}

/** Resets it: neither side keeps the port in TIME_WAIT, of which there would be tens of thousands. */
function leave(socket: Socket): void {
  socket.removeAllListeners()
  socket.on('error', () => undefined)
  socket.resetAndDestroy()
}

function overUdp({ host, port }: Where, request: () => Buffer, read: Read): Ask {
  return (onDone) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
    let isOver = false
    const over = (): void => {
      if (isOver) return
      isOver = true
      socket.close()
    }
    const finish = (seen: Seen): void => {
      if (isOver) return
      over()
      onDone(seen)
    }
    socket.on('message', (message) => {
      finish(read(message) ?? failed('malformed'))
    })
    socket.on('error', (error) => {
      finish(failed(failureName(error)))
    })
    socket.connect(port, host, () => {
      if (!isOver) socket.send(request())
    })
    return over
  }
}

/** `pod=NAME ip=...` and a newline, as backends say it. */
function podOfLine(bytes: Buffer): Seen | undefined {
  const text = bytes.toString('latin1')
  if (!text.includes('\n')) return undefined
  const pod = /^pod=(\S+) /.exec(text)?.[1]
  return pod === undefined ? failed('malformed') : { answered: true, seen: pod }
}

function podOfHead(bytes: Buffer): Seen | undefined {
  const text = bytes.toString('latin1')
  if (!text.includes('\r\n\r\n')) return undefined
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1]
  const pod = /\r\nx-pod:[ \t]*(\S+)/i.exec(text)?.[1]
  if (status !== undefined && status !== '200') return failed(`status ${status}`)
  return pod === undefined ? failed('malformed') : { answered: true, seen: pod }
}

function getRequest(authority: string): string {
  return `GET / HTTP/1.1\r\nHost: ${authority}\r\nUser-Agent: meshmark-watch\r\nConnection: close\r\n\r\n`
}

type DnsTarget = Extract<WatchTarget, { kind: 'dns' }>

function dnsQuery({ name, type }: DnsTarget): () => Buffer {
  return () =>
    packet.encode({
      type: 'query',
      id: Math.trunc(Math.random() * 0x1_0000),
      flags: packet.RECURSION_DESIRED,
      questions: [{ name, type }],
    })
}

function addressesOf(bytes: Buffer): Seen {
  try {
    const { answers = [], rcode } = packet.decode(bytes) as packet.DecodedPacket & {
      readonly rcode?: string
    }
    if (rcode !== 'NOERROR') return { answered: rcode === 'NXDOMAIN', seen: rcode ?? 'malformed' }
    const addresses = answers.flatMap((record) =>
      record.type === 'A' || record.type === 'AAAA' ? [record.data] : [],
    )
    return { answered: true, seen: addresses.sort().join(',') }
  } catch {
    return failed('malformed')
  }
}

/** A byte there and back on a connection that stays; once it is broken, every request fails as it broke. */
function keptTcp({ host, port }: Where): Asking {
  const socket = connect({ host, port, noDelay: true })
  const waiting: ((seen: Seen) => void)[] = []
  let pod: string | undefined
  let broken: string | undefined
  const breakUp = (why: string): void => {
    broken ??= why
    for (const onDone of waiting.splice(0)) onDone(failed(broken))
  }
  socket.on('data', (chunk: Buffer) => {
    let text = chunk.toString('latin1')
    if (pod === undefined) {
      const said = podOfLine(chunk)
      if (said?.answered !== true) {
        breakUp('malformed')
        return
      }
      pod = said.seen
      text = text.slice(text.indexOf('\n') + 1)
    }
    for (const byte of text)
      if (byte === '.') waiting.shift()?.({ answered: true, seen: pod })
      else breakUp('malformed')
  })
  socket.on('error', (error) => {
    breakUp(failureName(error))
  })
  socket.on('close', () => {
    breakUp('closed')
  })
  return {
    ask: (onDone) => {
      if (broken !== undefined) {
        onDone(failed(broken))
        return () => undefined
      }
      waiting.push(onDone)
      socket.write('.')
      // why: its place in the order of answers stays taken, so the answer is read, and told to nobody
      return () => {
        const at = waiting.indexOf(onDone)
        if (at !== -1) waiting[at] = () => undefined
      }
    },
    close: () => {
      leave(socket)
    },
  }
}

function failed(why: string): Seen {
  return { answered: false, seen: why }
}
