import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { Answered, Endpoint, PacketsJob, PacketSocket } from '../model/probe.ts'
import { failureOf } from './failure.ts'
import type { Finding } from './run.ts'

type Packets = Extract<Answered, { kind: 'packets' }>

/** More is not recorded: the job ends there, so that a flood cannot fill the memory. */
const most = { datagrams: 20_000, bytes: 32 * 1024 * 1024 }

/** A datagram is sent so often when the operating system answers with the ICMP error of an earlier one. */
const tries = 3

/**
 * Datagrams there, and everything that comes back; times count from the start of the job.
 * @throws the operating system's error when a socket cannot be bound: then the probe is broken, or the job is
 */
export async function observePackets(job: PacketsJob, signal: AbortSignal): Promise<Finding> {
  const startedAt = performance.now()
  const sockets = job.sockets.map(() => createSocket(isIPv6(job.host) ? 'udp6' : 'udp4'))
  const log = packetLog(job, startedAt)
  const sending: Sending[] = []
  const closeAll = closer(sockets)
  // why: at once, not a turn later: the next job may want the same ports
  const givenUp = once(signal, closeAll)
  try {
    const bound = job.sockets.map((wanted, index) => bindSocket(sockets[index], wanted))
    const local = await Promise.race([givenUp.promise, Promise.all(bound)])
    signal.addEventListener('abort', log.end, { once: true })
    for (const [index, socket] of sockets.entries()) {
      const fail = (error: unknown): boolean => log.failed(index, error)
      socket.on('error', fail)
      socket.on('message', (message, from) => {
        log.arrived(index, message, from)
      })
      const { connected = true, send = [] } = job.sockets[index] ?? {}
      if (!connected) sending.push(sendAll(socket, send, startedAt, job, fail))
      else
        socket.connect(job.port, job.host, (error?: Error) => {
          if (error !== undefined) fail(error)
          else if (!log.isOver()) {
            local[index] = endpointOf(socket)
            sending.push(sendAll(socket, send, startedAt, undefined, fail))
          }
        })
    }
    return { kind: 'packets', ...(await log.over), local }
  } finally {
    log.end()
    for (const one of sending) one.stop()
    givenUp.forget()
    closeAll()
  }
}

/** Closes all of them, the first time. */
function closer(sockets: readonly Socket[]): () => void {
  let left = sockets
  return () => {
    for (const socket of left) socket.close()
    left = []
  }
}

/** Does something in the moment of the abortion; the promise rejects then, and never resolves. */
function once(
  signal: AbortSignal,
  work: () => void,
): { readonly promise: Promise<never>; readonly forget: () => void } {
  const { promise, reject } = withResolvers<never>()
  promise.catch(() => undefined)
  const abort = (): void => {
    work()
    reject(signal.reason)
  }
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  return { promise, forget: () => signal.removeEventListener('abort', abort) }
}

interface PacketLog {
  readonly arrived: (socket: number, message: Buffer, from: Endpoint) => void
  /** @returns whether the job goes on */
  readonly failed: (socket: number, error: unknown) => boolean
  readonly end: () => void
  readonly isOver: () => boolean
  readonly over: Promise<Pick<Packets, 'received' | 'failures'>>
}

/** Writes down what comes until there is enough. */
function packetLog({ expect, lingerMs = 0 }: PacketsJob, startedAt: number): PacketLog {
  const received: Packets['received'][number][] = []
  const failures: Packets['failures'][number][] = []
  let bytes = 0
  let isOver = false
  let linger: NodeJS.Timeout | undefined
  const { promise, resolve, reject } = withResolvers<Pick<Packets, 'received' | 'failures'>>()
  const end = (): void => {
    isOver = true
    clearTimeout(linger)
    resolve({ received, failures })
  }
  return {
    arrived: (socket, message, { address, port }) => {
      if (isOver) return
      const atMs = performance.now() - startedAt
      received.push({ socket, atMs, from: { address, port }, base64: message.toString('base64') })
      bytes += message.length
      if (received.length === most.datagrams || bytes > most.bytes) end()
      else if (received.length === expect) linger = setTimeout(end, lingerMs)
    },
    failed: (socket, error) => {
      if (isOver) return false
      try {
        failures.push({ socket, atMs: performance.now() - startedAt, ...failureOf(error) })
      } catch (cause) {
        reject(cause)
        end()
      }
      if (failures.length === most.datagrams) end()
      return !isOver
    },
    end,
    isOver: () => isOver,
    over: promise,
  }
}

function bindSocket(socket: Socket | undefined, wanted: PacketSocket): Promise<Endpoint> {
  const { localAddress: address, localPort: port = 0 } = wanted
  return new Promise((resolve, reject) => {
    socket?.once('error', reject)
    socket?.bind({ port, ...(address !== undefined && { address }), exclusive: true }, () => {
      socket.off('error', reject)
      resolve(endpointOf(socket))
    })
  })
}

function endpointOf(socket: Socket): Endpoint {
  const { address, port } = socket.address()
  return { address, port }
}

interface Sending {
  readonly stop: () => void
}

/** Sends each datagram at its time, never before; without `to` to where the socket is connected. */
function sendAll(
  socket: Socket,
  send: PacketSocket['send'],
  startedAt: number,
  to: Pick<PacketsJob, 'host' | 'port'> | undefined,
  fail: (error: unknown) => boolean,
): Sending {
  const timers = new Map<number, NodeJS.Timeout>()
  const arm = (index: number, dueAt: number, work: () => void): void => {
    const leftMs = dueAt - performance.now()
    // why: Node.js leaves out a part of a millisecond, and counts from when its loop last looked at the clock
    const due = (): void => (performance.now() < dueAt ? arm(index, dueAt, work) : work())
    timers.set(index, setTimeout(due, Math.max(0, Math.ceil(leftMs))))
  }
  send.forEach(({ atMs, base64 }, index) => {
    arm(index, startedAt + atMs, () => {
      sendDatagram(socket, Buffer.from(base64, 'base64'), to, fail)
    })
  })
  return {
    stop: () => {
      for (const timer of timers.values()) clearTimeout(timer)
    },
  }
}

/**
 * Sends one datagram. A refusal here is ICMP's answer to an earlier datagram, and it keeps this one from being sent
 * (udp(7)): it is told, and the datagram sent again.
 */
function sendDatagram(
  socket: Socket,
  message: Buffer,
  to: Pick<PacketsJob, 'host' | 'port'> | undefined,
  fail: (error: unknown) => boolean,
  triesLeft = tries,
): void {
  const sent = (error: NodeJS.ErrnoException | null): void => {
    if (error !== null && fail(error) && error.code === 'ECONNREFUSED' && triesLeft > 1)
      sendDatagram(socket, message, to, fail, triesLeft - 1)
  }
  if (to === undefined) socket.send(message, sent)
  else socket.send(message, to.port, to.host, sent)
}

/** Promise.withResolvers, which Node 20 does not have. */
function withResolvers<T>(): {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (reason: unknown) => void
} {
  let resolve: (value: T) => void = () => undefined
  let reject: (reason: unknown) => void = () => undefined
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
