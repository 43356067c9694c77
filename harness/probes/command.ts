import { spawn } from 'node:child_process'
import type { CommandJob } from '../model/probe.ts'
import { timedOut } from './failure.ts'
import type { Finding } from './run.ts'

/** Output of a command is told up to this length. */
const toldBytes = 4 * 1024 * 1024

/** Runs a program of the machine at this position. One that is not there exits with 127, as a shell has it. */
export function observeCommand(
  { argv, timeoutMs }: CommandJob,
  signal: AbortSignal,
): Promise<Finding> {
  const [program, ...args] = argv
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
      killSignal: 'SIGKILL',
    })
    const output = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8')
      child[name].on(
        'data',
        (text: string) => (output[name] = (output[name] + text).slice(0, toldBytes)),
      )
    }
    child.on('error', (error) => {
      if (signal.aborted) resolve(timedOut(`${argv.join(' ')} did not end within ${timeoutMs} ms`))
      else resolve({ kind: 'exited', code: 127, stdout: '', stderr: error.message })
    })
    child.on('close', (code) => {
      resolve({ kind: 'exited', code, ...output })
    })
  })
}
