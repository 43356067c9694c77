import { chmodSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import {
  type ControlRequest,
  type ExecRequest,
  insideDirectory,
  type NetworkFault,
} from './config.ts'
import { encodeFrame } from './frames.ts'

/** What the door does for who comes in. */
export interface ControlInit {
  /** Runs a program; `rest` is what came in after the request. */
  readonly exec: (request: ExecRequest, socket: Socket, rest: Buffer) => void
  /** Breaks something; the function that it gives heals it. */
  readonly fault: (fault: NetworkFault) => Promise<() => Promise<void>>
}

/** Opens `control.sock`, the door through which the harness reaches into namespaces. */
export function serveControl({ exec, fault }: ControlInit): Promise<Server> {
  const path = join(insideDirectory, 'control.sock')
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    readRequest(socket, (request, rest) => {
      if (request.kind === 'exec') exec(request.exec, socket, rest)
      else void holdFault(() => fault(request.fault), socket)
    })
  })
  return new Promise((resolve, reject) => {
    server.on('error', reject)
    server.listen(path, () => {
      // why: through sudo the socket is root's; the run folder lets nobody in but its owner
      chmodSync(path, 0o666)
      resolve(server)
    })
  })
}

/** Reads the first line, then hands over the socket with what came after it. */
function readRequest(socket: Socket, then: (request: ControlRequest, rest: Buffer) => void): void {
  let head: Buffer = Buffer.alloc(0)
  const onData = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk])
    const end = head.indexOf(10)
    if (end === -1) return
    socket.off('data', onData)
    socket.pause()
    try {
      then(JSON.parse(head.subarray(0, end).toString()) as ControlRequest, head.subarray(end + 1))
    } catch (error) {
      refuse(socket, error)
    }
  }
  socket.on('data', onData)
  socket.on('error', () => undefined)
}

/** Answers that a request failed, and why. */
export function refuse(socket: Socket, error: unknown): void {
  const text = error instanceof Error ? error.message : String(error)
  socket.end(encodeFrame('control', JSON.stringify({ error: text })))
}

/** A fault lasts as long as its connection: a harness that dies heals what it broke. */
async function holdFault(apply: () => Promise<() => Promise<void>>, socket: Socket): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    socket.on('end', resolve)
    socket.on('close', resolve)
  })
  socket.resume()
  try {
    const heal = await apply()
    socket.write(encodeFrame('control', JSON.stringify({ applied: true })))
    await ended
    await heal()
    socket.end(encodeFrame('control', JSON.stringify({ healed: true })))
  } catch (error) {
    refuse(socket, error)
  }
}
