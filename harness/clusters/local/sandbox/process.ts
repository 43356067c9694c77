import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ClusterError } from '../../../model/errors.ts'
import { namespaceCommand, type Privilege } from '../privilege.ts'
import type { SandboxConfig, SandboxEvent } from './config.ts'
import { sandboxEnvironment } from './environment.ts'
import { sandboxFailure } from './failure.ts'

/** A sandbox that was started, alive or not. */
export interface SandboxProcess {
  /** Resolves when it has its namespaces, rejects with what unshare or sudo said when it will have none. */
  readonly alive: Promise<void>
  /** Resolves when every component is ready; rejects with a ClusterError. */
  readonly ready: Promise<Extract<SandboxEvent, { event: 'ready' }>>
  /** Resolves with the reason when it, or a component in it, ends by itself. */
  readonly broken: Promise<ClusterError>
  /** Ends it and waits until it is gone. */
  end(): Promise<void>
  /** Kills it at once, without waiting. */
  kill(): void
}

/** How long a sandbox may take to go after its stdin ended, and again after it was killed: it only has to exit. */
const goneMs = 5_000

/** Characters of stderr that are kept. */
const keptCharacters = 64 * 1024

/**
 * Process 1 of the sandbox: a shell that runs our program with its own stdin, reaps what is orphaned, and ends, and
 * with it everything in the pid namespace, when our program does.
 */
const initScript = 'exec 3<&0; "$@" <&3 3<&- & exec 3<&-; wait $!'

type Child = ChildProcessByStdio<Writable, Readable, Readable>

export function launchSandbox(
  config: SandboxConfig,
  privilege: Privilege,
  progress: (line: string) => void,
): SandboxProcess {
  const folder = join(config.packageDirectory, 'dist', 'harness', 'clusters', 'local', 'sandbox')
  const main = [process.execPath, join(folder, 'main.js')]
  // why: the program needs no argument; the folder is there for people who look at `ps`
  const init = ['sh', '-c', initScript, 'meshmark-sandbox', ...main, config.runDirectory]
  const [program = '', ...args] = [...namespaceCommand(privilege), ...init]
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: sandboxEnvironment(),
    cwd: '/',
    // why: a Ctrl-C of the terminal is for the harness alone; it decides how the sandbox ends
    detached: true,
  })
  child.stdin.on('error', () => undefined)
  child.stdin.write(`${JSON.stringify(config)}\n`)
  return {
    ...follow(child, program, config.runDirectory, progress),
    end: () => end(child),
    kill: () => {
      killGroup(child)
    },
  }
}

function follow(
  child: Child,
  program: string,
  runDirectory: string,
  progress: (line: string) => void,
): Pick<SandboxProcess, 'alive' | 'ready' | 'broken'> {
  const alive = promise<undefined>()
  const ready = promise<Extract<SandboxEvent, { event: 'ready' }>>()
  const broken = promise<ClusterError>()
  let stderr = ''
  const fail = (error: ClusterError): void => {
    alive.reject(error)
    ready.reject(error)
    broken.resolve(error)
  }
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-keptCharacters)
  })
  child.on('error', (cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') fail(sandboxFailure(`spawn ${program} ENOENT`, runDirectory))
    else fail(new ClusterError('provision-failed', `${program}: ${cause.message}`, { cause }))
  })
  child.on('close', (code, signal) => {
    const how = signal ?? `exit code ${String(code)}`
    fail(sandboxFailure(stderr.trim() || `the sandbox ended (${how})`, runDirectory))
  })
  createInterface({ input: child.stdout }).on('line', (line) => {
    const event = JSON.parse(line) as SandboxEvent
    if (event.event === 'alive') alive.resolve(undefined)
    else if (event.event === 'progress') progress(event.line)
    else if (event.event === 'ready') ready.resolve(event)
    else fail(sandboxFailure(event.message, runDirectory))
  })
  return { alive: alive.promise, ready: ready.promise, broken: broken.promise }
}

interface Deferred<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(error: Error): void
}

/** A promise settled from outside; nobody has to wait for it. */
function promise<T>(): Deferred<T> {
  let resolve = (_: T): void => undefined
  let reject = (_: Error): void => undefined
  const made = new Promise<T>((onValue, onError) => {
    resolve = onValue
    reject = onError
  })
  made.catch(() => undefined)
  return { promise: made, resolve, reject }
}

async function end(child: Child): Promise<void> {
  child.stdin.end()
  if (await isGone(child)) return
  killGroup(child)
  if (await isGone(child)) return
  throw new ClusterError(
    'provision-failed',
    `the sandbox (process ${String(child.pid)}) does not end`,
    { hint: `sudo kill -9 ${String(child.pid)}` },
  )
}

/** Whether a process ends within the time that it has. */
function isGone(child: ChildProcess): Promise<boolean> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null)
    return Promise.resolve(true)
  return new Promise((resolve) => {
    const onExit = (): void => {
      clearTimeout(timer)
      resolve(true)
    }
    const timer = setTimeout(() => {
      child.off('exit', onExit)
      resolve(false)
    }, goneMs)
    child.once('exit', onExit)
  })
}

function killGroup(child: Child): void {
  // why: without its stdin it ends by itself, even where it is root's (sudo) and we may not kill it
  child.stdin.destroy()
  if (child.pid === undefined || child.exitCode !== null) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // why: it is gone already, or root's
  }
}
