import { spawn } from 'node:child_process'
import { chmodSync, readFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { programPath } from '../network/command.ts'
import type { PlacedNode } from '../topology.ts'
import { type ControlRequest, type ExecRequest, insideDirectory } from './config.ts'
import { applyFault } from './fault.ts'
import { encodeFrame } from './frames.ts'

export interface ControlInit {
  readonly nodes: readonly PlacedNode[]
  readonly holders: ReadonlyMap<string, number>
}

/** Opens `control.sock`, the door through which the harness reaches into namespaces. */
export function serveControl(init: ControlInit): Promise<Server> {
  const path = join(insideDirectory, 'control.sock')
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    readRequest(socket, (request, rest) => {
      if (request.kind === 'exec') exec(init, request.exec, socket, rest)
      else void holdFault(init, request, socket)
    })
  })
  return new Promise((resolve, reject) => {
    server.on('error', reject)
    server.listen(path, () => {
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
      refuse(socket, String(error))
    }
  }
  socket.on('data', onData)
  socket.on('error', () => undefined)
}

function refuse(socket: Socket, error: string): void {
  socket.end(encodeFrame('control', JSON.stringify({ error })))
}

/** Runs a program in the namespaces of a node or pod; it dies with the connection. */
function exec({ holders }: ControlInit, request: ExecRequest, socket: Socket, rest: Buffer): void {
  const holder = request.podUid === undefined ? holders.get(request.node) : podHolder(request)
  if (holder === undefined) {
    refuse(
      socket,
      `there is no ${request.podUid === undefined ? `node ${request.node}` : `pod ${request.podUid} on ${request.node}`}`,
    )
    return
  }
  const pin =
    request.cpus === undefined || request.cpus.length === 0
      ? []
      : ['taskset', '-c', request.cpus.join(',')]
  const argv = ['-t', String(holder), '-n', '-m', '-u', '--', ...pin, ...request.argv]
  const child = spawn('nsenter', argv, {
    stdio: 'pipe',
    cwd: '/',
    env: { ...process.env, PATH: programPath, ...request.env },
  })
  const send = (frame: Buffer): void => {
    if (!socket.destroyed) socket.write(frame)
  }
  child.on('spawn', () => {
    send(encodeFrame('control', JSON.stringify({ pid: child.pid })))
  })
  child.on('error', (error) => {
    refuse(socket, error.message)
  })
  child.stdout.on('data', (chunk: Buffer) => {
    send(encodeFrame('stdout', chunk))
  })
  child.stderr.on('data', (chunk: Buffer) => {
    send(encodeFrame('stderr', chunk))
  })
  child.on('close', (code, signal) => {
    if (!socket.destroyed) socket.end(encodeFrame('control', JSON.stringify({ code, signal })))
  })
  child.stdin.on('error', () => undefined)
  if (rest.length > 0) child.stdin.write(rest)
  socket.pipe(child.stdin)
  socket.on('close', () => {
    child.kill('SIGKILL')
  })
}

/** The kubelet writes down which process holds a pod's namespaces. */
function podHolder({ node, podUid = '' }: ExecRequest): number | undefined {
  try {
    const path = join(insideDirectory, 'nodes', node, 'pods', podUid, 'holder.json')
    const { pid } = JSON.parse(readFileSync(path, 'utf8')) as { pid?: number }
    return pid
  } catch {
    return undefined
  }
}

/** A fault lasts as long as its connection: a harness that dies heals what it broke. */
async function holdFault(
  init: ControlInit,
  { fault }: Extract<ControlRequest, { kind: 'fault' }>,
  socket: Socket,
): Promise<void> {
  try {
    const heal = await applyFault(fault, init.nodes, init.holders)
    socket.write(encodeFrame('control', JSON.stringify({ applied: true })))
    socket.resume()
    let healed = false
    const once = (): void => {
      if (healed) return
      healed = true
      heal()
        .then(() => socket.end(encodeFrame('control', JSON.stringify({ healed: true }))))
        .catch((error: unknown) => {
          refuse(socket, String(error))
        })
    }
    socket.on('end', once)
    socket.on('close', once)
  } catch (error) {
    refuse(socket, error instanceof Error ? error.message : String(error))
  }
}
