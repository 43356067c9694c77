import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { programPath } from '../../network/command.ts'
import { programOf } from '../find-program.ts'
import { enterScript } from './enter-script.ts'
import type { ContainerLog, LogStream } from './log.ts'
import { killedFarewell } from './killed-farewell.ts'
import { closeWriter, type OutputPipe, outputPipes } from './output-pipe.ts'

/** A running container: processes in pid and mount namespaces of their own, inside the pod's other namespaces. */
export interface Container {
  readonly id: string
  readonly startedAt: Date
  readonly env: Readonly<Record<string, string>>
  readonly workingDir: string
  readonly exited: Promise<ContainerExit>
  /** Process id of its first process as the node sees it, or undefined when it has ended. */
  initPid(): number | undefined
  signal(name: 'SIGTERM' | 'SIGKILL'): void
}

export interface ContainerExit {
  /** 128 + n when signal n ended it. */
  readonly code: number
  readonly signal?: number
  readonly finishedAt: Date
  /** The end of its output. */
  readonly lastOutput: string
}

export interface ContainerInit {
  readonly id: string
  /** Process that holds the pod's namespaces. */
  readonly holder: number
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly workingDir: string
  /** Folder with the prepared root file system. */
  readonly rootFs: string
  readonly log: ContainerLog
}

/** A container that never ran: its program does not exist, a mount failed. */
export class StartError extends Error {}

/** Bytes and lines of output that a termination message quotes (FallbackToLogsOnError). */
const quotedBytes = 2048
const quotedLines = 80

const signalNumbers: Readonly<Partial<Record<NodeJS.Signals, number>>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
}

/**
 * Starts the first process of a container; resolves when it runs.
 * @throws StartError with the reason when it does not come to that
 */
export async function startContainer(init: ContainerInit): Promise<Container> {
  const { id, env, workingDir, log, rootFs } = init
  const [out, err] = await outputPipes(join(rootFs, 'stdout'), join(rootFs, 'stderr'))
  const child = spawn(programOf('nsenter'), commandLine(init), {
    stdio: ['ignore', out.writeFd, err.writeFd, 'pipe'],
    cwd: '/',
    env: { ...env, PATH: env['PATH'] ?? programPath },
  })
  let tail = Buffer.alloc(0)
  const farewell = killedFarewell()
  const follow = (stream: LogStream, pipe: OutputPipe): void => {
    const keep = (chunk: Buffer): void => {
      if (chunk.length === 0) return
      tail = Buffer.concat([tail, chunk]).subarray(-quotedBytes)
      log.write(stream, chunk)
    }
    pipe.reader.on('data', (chunk: Buffer) => {
      keep(stream === 'stderr' ? farewell.without(chunk) : chunk)
    })
    if (stream === 'stderr')
      void pipe.ended.then(() => {
        keep(farewell.rest())
      })
    closeWriter(pipe)
  }
  follow('stdout', out)
  follow('stderr', err)
  const left = new Promise<readonly [number | null, NodeJS.Signals | null]>((resolve) => {
    child.on('error', (error) => {
      tail = Buffer.from(error.message)
      resolve([128, null])
    })
    child.on('close', (code, name) => {
      resolve([code, name])
    })
  })
  const exited = Promise.all([left, out.ended, err.ended]).then(([[code, name]]) => {
    log.close()
    return exitOf(code, farewell.wasSaid() ? 'SIGKILL' : name, lastLines(tail.toString('utf8')))
  })
  await started(child, exited)
  let pid: number | undefined
  let isOver = false
  void exited.then(() => (isOver = true))
  const initPid = (): number | undefined => (isOver ? undefined : (pid ??= firstProcess(child)))
  return {
    id,
    startedAt: new Date(),
    env,
    workingDir,
    exited,
    initPid,
    signal: (name) => {
      const first = initPid()
      try {
        if (first !== undefined) process.kill(first, name)
      } catch {
        // why: it ended between the look and the signal
      }
    },
  }
}

/** The new mount namespace is a copy of the node's, not of the pod holder's: hostPath means the node's files. */
function commandLine({ holder, rootFs, workingDir, argv }: ContainerInit): readonly string[] {
  return [
    ...['-t', String(holder), '-n', '-u', '-i', '--'],
    ...[programOf('unshare'), '--mount', '--propagation', 'private'],
    ...['--pid', '--fork', '--kill-child=KILL', '--'],
    ...['/bin/sh', '-c', enterScript, rootFs, workingDir, ...argv],
  ]
}

async function started(child: ChildProcess, exited: Promise<ContainerExit>): Promise<void> {
  const says = child.stdio[3] as Readable
  const isRunning = await new Promise<boolean>((resolve, reject) => {
    says.once('data', () => {
      resolve(true)
    })
    says.once('close', () => {
      resolve(false)
    })
    says.once('error', reject)
  })
  if (isRunning) return
  const { lastOutput, code } = await exited
  throw new StartError(lastOutput === '' ? `it ended with ${code}` : lastOutput)
}

function exitOf(
  code: number | null,
  name: NodeJS.Signals | null,
  lastOutput: string,
): ContainerExit {
  const finishedAt = new Date()
  const signal = name === null ? undefined : signalNumbers[name]
  if (signal !== undefined) return { code: 128 + signal, signal, finishedAt, lastOutput }
  return { code: code ?? 255, finishedAt, lastOutput }
}

function lastLines(text: string): string {
  return text.split('\n').slice(-quotedLines).join('\n').trim()
}

/** `unshare` waits outside; its only child is process 1 of the container. */
function firstProcess(child: ChildProcess): number | undefined {
  try {
    const path = `/proc/${child.pid ?? 0}/task/${child.pid ?? 0}/children`
    const [first = ''] = readFileSync(path, 'utf8').trim().split(' ')
    return first === '' ? undefined : Number(first)
  } catch {
    return undefined
  }
}
