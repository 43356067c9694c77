import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { delimiter, join } from 'node:path'
import type { Readable } from 'node:stream'
import { programPath } from '../network/command.ts'
import { type ExecRequest, insideDirectory } from './config.ts'
import { refuse } from './control.ts'
import { encodeFrame } from './frames.ts'

/**
 * Runs a program in the namespaces of a node or pod. Bytes from the connection go to its stdin, its output comes back
 * in frames, and it dies with the connection, together with what it started in its process group.
 */
export function execIn(
  holders: ReadonlyMap<string, number>,
  request: ExecRequest,
  socket: Socket,
  rest: Buffer,
): void {
  const holder = request.podUid === undefined ? holders.get(request.node) : podHolder(request)
  if (holder === undefined) {
    const what = request.podUid === undefined ? 'node' : `pod ${request.podUid} on node`
    refuse(socket, `there is no ${what} ${request.node}`)
    return
  }
  const child = spawn(
    'nsenter',
    ['-t', String(holder), '-n', '-m', '-u', '--', ...pin(request.cpus), ...request.argv],
    {
      stdio: 'pipe',
      cwd: '/',
      env: { ...process.env, PATH: programPath, ...request.env },
      // why: a group of its own, so that it can be ended together with its children
      detached: true,
    },
  )
  child.on('spawn', () => {
    control(socket, { pid: child.pid })
  })
  child.on('error', (error) => {
    refuse(socket, error)
  })
  forward(child.stdout, 'stdout', socket)
  forward(child.stderr, 'stderr', socket)
  child.on('close', (code, signal) => {
    control(socket, { code, signal })
    socket.end()
  })
  child.stdin.on('error', () => undefined)
  if (rest.length > 0) child.stdin.write(rest)
  socket.pipe(child.stdin)
  socket.on('close', () => {
    killGroup(child)
  })
}

function control(socket: Socket, message: object): void {
  if (!socket.destroyed) socket.write(encodeFrame('control', JSON.stringify(message)))
}

/** A program that writes faster than the harness reads has to wait, as at any pipe. */
function forward(stream: Readable, type: 'stdout' | 'stderr', socket: Socket): void {
  stream.on('data', (chunk: Buffer) => {
    if (socket.destroyed || socket.write(encodeFrame(type, chunk))) return
    stream.pause()
    socket.once('drain', () => stream.resume())
  })
  // why: a connection that closes never drains, and the program's end is only seen when its output is read
  socket.once('close', () => stream.resume())
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // why: it has ended, and so has everything that it started
  }
}

/** The kubelet writes down which process holds a pod's namespaces. */
function podHolder({ node, podUid = '' }: ExecRequest): number | undefined {
  try {
    const path = join(insideDirectory, 'nodes', node, 'pods', podUid, 'holder.json')
    const { pid } = JSON.parse(readFileSync(path, 'utf8')) as { pid: number }
    // why: the note outlives the pod by a moment
    return existsSync(`/proc/${pid}/ns/net`) ? pid : undefined
  } catch {
    return undefined
  }
}

/** The words that pin a program to CPUs: those of the wanted ones that this machine lets us use. */
function pin(wanted: readonly number[] = []): readonly string[] {
  const usable = wanted.filter((cpu) => allowedCpus().has(cpu))
  if (usable.length === 0) return []
  const hasTaskset = programPath.split(delimiter).some((path) => existsSync(join(path, 'taskset')))
  return hasTaskset ? ['taskset', '-c', usable.join(',')] : []
}

/** CPUs on which this process may run, from a list like `0-3,7`. */
function allowedCpus(): ReadonlySet<number> {
  const status = readFileSync('/proc/self/status', 'utf8')
  const [, list = ''] = /^Cpus_allowed_list:\s*(\S+)/m.exec(status) ?? []
  const cpus = list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
  return new Set(cpus)
}
