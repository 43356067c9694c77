import { type ChildProcess, spawn } from 'node:child_process'
import type { CommandJob } from '../model/probe.ts'
import { timedOut } from './failure.ts'
import type { Finding } from './run.ts'

/** Output of a command is told up to this length. */
const toldBytes = 4 * 1024 * 1024

/** What a shell answers when there is no such program, or none that may be run. */
const exitCodes: Readonly<Record<string, number>> = { ENOENT: 127, EACCES: 126 }

/**
 * Runs a program of the machine at this position. One that is not there exits with 127, one that may not be run with
 * 126, as a shell has it. At the end of the job's time its whole process group is killed.
 */
export function observeCommand(
  { argv, timeoutMs }: CommandJob,
  signal: AbortSignal,
): Promise<Finding> {
  const [program, ...args] = argv
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    const output = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8')
      child[name].on('data', (text: string) => {
        if (output[name].length < toldBytes)
          output[name] = (output[name] + text).slice(0, toldBytes)
      })
    }
    const abort = (): void => {
      killGroup(child)
      resolve(timedOut(`${argv.join(' ')} did not end within ${timeoutMs} ms`))
    }
    const over = (): void => {
      signal.removeEventListener('abort', abort)
    }
    signal.addEventListener('abort', abort, { once: true })
    child.on('error', (error: NodeJS.ErrnoException) => {
      over()
      const code = exitCodes[error.code ?? '']
      if (code === undefined) reject(error)
      else resolve({ kind: 'exited', code, stdout: '', stderr: error.message })
    })
    child.on('close', (code) => {
      over()
      resolve({ kind: 'exited', code, ...output })
    })
  })
}

/** Programs under way, so that none outlives the probe. */
export function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // why: it ended by itself in the meantime
  }
}
