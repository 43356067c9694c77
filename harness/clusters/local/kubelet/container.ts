import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import type { ContainerLog } from './container-log.ts'

/** A running container: processes in a pid namespace of their own, inside the pod's other namespaces. */
export interface Container {
  readonly id: string
  readonly startedAt: Date
  readonly exited: Promise<ContainerExit>
  /** Process id of its first process as the node sees it, or undefined when it has ended. */
  initPid(): number | undefined
  signal(name: NodeJS.Signals): void
}

export interface ContainerExit {
  /** 128 + n when signal n ended it. */
  readonly code: number
  readonly signal?: number
  readonly finishedAt: Date
  /** The end of its output, for the termination message. */
  readonly lastOutput: string
}

export interface ContainerInit {
  readonly id: string
  /** Process that holds the pod's namespaces. */
  readonly holder: number
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly workingDir: string
  readonly log: ContainerLog
}

/** Characters of output that a termination message quotes, as FallbackToLogsOnError does. */
const quotedCharacters = 2048

const signalNumbers: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
}

/** Starts the first process of a container. */
export function startContainer({
  id,
  holder,
  argv,
  env,
  workingDir,
  log,
}: ContainerInit): Container {
  const inside = ['sh', '-c', 'cd "$0" && exec "$@"', workingDir, ...argv]
  const child = spawn(
    'nsenter',
    [
      ...['-t', String(holder), '-n', '-m', '-u', '-i', '--'],
      ...[
        'unshare',
        '--pid',
        '--fork',
        '--kill-child=KILL',
        '--mount-proc',
        '--propagation',
        'private',
        '--',
      ],
      ...inside,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...env } },
  )
  let tail = ''
  const follow = (stream: 'stdout' | 'stderr'): void => {
    const decoder = new StringDecoder('utf8')
    child[stream].on('data', (chunk: Buffer) => {
      tail = (tail + decoder.write(chunk)).slice(-quotedCharacters)
      log.write(stream, chunk)
    })
  }
  follow('stdout')
  follow('stderr')
  const exited = new Promise<ContainerExit>((resolve) => {
    child.on('error', (error) => {
      resolve({ code: 128, finishedAt: new Date(), lastOutput: error.message })
    })
    child.on('close', (code, name) => {
      log.flush()
      resolve(exitOf(code, name, tail))
    })
  })
  return {
    id,
    startedAt: new Date(),
    exited,
    initPid: () => firstProcess(child),
    signal: (name) => {
      const pid = firstProcess(child)
      try {
        if (pid !== undefined) process.kill(pid, name)
        else if (name === 'SIGKILL') child.kill(name)
      } catch {
        // why: it ended between the look and the signal
      }
    },
  }
}

function exitOf(
  code: number | null,
  name: NodeJS.Signals | null,
  lastOutput: string,
): ContainerExit {
  const finishedAt = new Date()
  const signal = name === null ? undefined : (signalNumbers[name] ?? 0)
  if (signal !== undefined) return { code: 128 + signal, signal, finishedAt, lastOutput }
  return { code: code ?? 255, finishedAt, lastOutput }
}

/** `unshare` waits outside; its only child is process 1 of the container. */
function firstProcess(child: ChildProcess): number | undefined {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null)
    return undefined
  try {
    const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim()
    const [first = ''] = children.split(' ')
    return first === '' ? undefined : Number(first)
  } catch {
    return undefined
  }
}
