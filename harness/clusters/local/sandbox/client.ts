import { spawn, type ChildProcess } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { AbortOptions } from '../../../model/abort.ts'
import { ClusterError } from '../../../model/errors.ts'
import type { ProgramChannel, ProgramExit } from '../../../model/cluster.ts'
import { programPath } from '../network/command.ts'
import { namespaceCommand, type Privilege } from '../privilege.ts'
import type { ControlRequest, NetworkFault, SandboxConfig, SandboxEvent } from './config.ts'
import { type Frame, frameDecoder } from './frames.ts'
import { messageQueue } from './message-queue.ts'

/** The sandbox as its harness sees it. Disposing ends it and waits until it is gone. */
export interface Sandbox extends AsyncDisposable {
  exec(
    request: Extract<ControlRequest, { kind: 'exec' }>['exec'],
    options: AbortOptions,
  ): Promise<ProgramChannel>
  fault(fault: NetworkFault, options: AbortOptions): Promise<AsyncDisposable>
  /** Kills at once, without waiting. */
  kill(): void
  /** Resolves with the reason when a component dies by itself. */
  readonly broken: Promise<string>
}

/** How long a sandbox may take to go after its stdin ended; it only has to exit. */
const goneMs = 5_000

/** Bytes of stderr that are kept of a program. */
const keptStderrBytes = 64 * 1024

/**
 * Starts a sandbox and resolves when every component in it is ready.
 * @throws ClusterError 'provision-failed' with what the failing component said
 */
export async function startSandbox(
  config: SandboxConfig,
  privilege: Privilege,
  progress: (line: string) => void,
  { signal }: AbortOptions,
): Promise<Sandbox> {
  signal.throwIfAborted()
  const main = join(
    config.packageDirectory,
    'dist',
    'harness',
    'clusters',
    'local',
    'sandbox',
    'main.js',
  )
  // why: the sandbox reads its configuration from stdin; the folder is there for people who look at `ps`
  const argv = [process.execPath, main, config.runDirectory]
  const [program = '', ...args] = [...namespaceCommand(privilege), ...argv]
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, PATH: programPath },
    // why: a Ctrl-C of the terminal is for the harness alone; it decides how the sandbox ends
    detached: true,
  })
  let stderr = ''
  child.stderr.on(
    'data',
    (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-keptStderrBytes)),
  )
  child.stdin.on('error', () => undefined)
  child.stdin.write(`${JSON.stringify(config)}\n`)
  const { ready, broken } = follow(child, progress, () => stderr)
  const stop = (): Promise<void> => end(child)
  try {
    await Promise.race([ready, rejected(signal)])
  } catch (error) {
    await stop()
    throw error
  }
  const socket = join(config.runDirectory, 'control.sock')
  return {
    exec: (request, options) => exec(socket, request, options),
    fault: (fault, options) => holdFault(socket, fault, options),
    kill: () => {
      killGroup(child)
    },
    broken,
    [Symbol.asyncDispose]: stop,
  }
}

function follow(
  child: ChildProcess,
  progress: (line: string) => void,
  stderr: () => string,
): { readonly ready: Promise<void>; readonly broken: Promise<string> } {
  let onBroken = (_why: string): void => undefined
  const broken = new Promise<string>((resolve) => (onBroken = resolve))
  const ready = new Promise<void>((resolve, reject) => {
    const fail = (message: string): void => {
      onBroken(message)
      reject(new ClusterError('provision-failed', message))
    }
    child.on('error', (error) => {
      fail(`the sandbox could not be started: ${error.message}`)
    })
    child.on('exit', (code, name) => {
      fail(`the sandbox ended (${name ?? `exit code ${String(code)}`}): ${stderr().trim()}`)
    })
    if (child.stdout === null) return
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = JSON.parse(line) as SandboxEvent
      if (event.event === 'progress') progress(event.line)
      else if (event.event === 'ready') resolve()
      else fail(event.message)
    })
  })
  ready.catch(() => undefined)
  return { ready, broken }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve()
    })
  })
  const timer = setTimeout(() => {
    killGroup(child)
  }, goneMs)
  child.stdin?.end()
  await gone
  clearTimeout(timer)
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // why: it is gone already, or it is root's (sudo) and goes when its stdin does
    child.stdin?.destroy()
  }
}

function open(path: string, request: ControlRequest): Socket {
  const socket = connect({ path, allowHalfOpen: true })
  socket.write(`${JSON.stringify(request)}\n`)
  return socket
}

interface Control {
  readonly error?: string
  readonly pid?: number
  readonly applied?: boolean
  readonly code?: number | null
  readonly signal?: string | null
}

function exec(
  path: string,
  request: Extract<ControlRequest, { kind: 'exec' }>['exec'],
  { signal }: AbortOptions,
): Promise<ProgramChannel> {
  return new Promise((resolve, reject) => {
    const socket = open(path, { kind: 'exec', exec: request })
    const queue = messageQueue()
    let stderr = ''
    let onExit = (_exit: ProgramExit): void => undefined
    const exited = new Promise<ProgramExit>((settle) => (onExit = settle))
    const abort = (): void => {
      socket.destroy()
    }
    signal.addEventListener('abort', abort)
    const channel: ProgramChannel = {
      send: (message) => socket.write(`${JSON.stringify(message)}\n`),
      end: () => socket.end(),
      messages: queue.messages,
      exited,
      [Symbol.asyncDispose]: async () => {
        socket.destroy()
        await exited
      },
    }
    const onControl = (control: Control): void => {
      if (control.error !== undefined)
        reject(new ClusterError('program-failed', `${request.argv.join(' ')}: ${control.error}`))
      else if (control.pid !== undefined) resolve(channel)
      else onExit({ code: control.code ?? null, signal: control.signal ?? null, stderr })
    }
    const decode = frameDecoder(({ type, payload }: Frame) => {
      if (type === 'stdout') queue.push(payload)
      else if (type === 'stderr') stderr = (stderr + payload.toString()).slice(-keptStderrBytes)
      else onControl(JSON.parse(payload.toString()) as Control)
    })
    socket.on('data', decode)
    socket.on('end', () => socket.end())
    socket.on('error', (error) => {
      reject(new ClusterError('program-failed', `the sandbox cannot be reached: ${error.message}`))
    })
    socket.on('close', () => {
      signal.removeEventListener('abort', abort)
      queue.close()
      onExit({ code: null, signal: 'SIGKILL', stderr })
      reject(new ClusterError('program-failed', `${request.argv.join(' ')}: the connection closed`))
    })
  })
}

function holdFault(
  path: string,
  fault: NetworkFault,
  { signal }: AbortOptions,
): Promise<AsyncDisposable> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const socket = open(path, { kind: 'fault', fault })
    const closed = new Promise<void>((settle) => {
      socket.on('close', () => {
        settle()
      })
    })
    const decode = frameDecoder(({ payload }) => {
      const { error, applied } = JSON.parse(payload.toString()) as Control
      if (error !== undefined) reject(new ClusterError('fault-failed', error))
      if (applied === true)
        resolve({
          [Symbol.asyncDispose]: async () => {
            socket.end()
            await closed
          },
        })
    })
    socket.on('data', decode)
    socket.on('error', (error) => {
      reject(new ClusterError('fault-failed', `the sandbox cannot be reached: ${error.message}`))
    })
  })
}

function rejected(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
    })
  })
}
