import { spawn } from 'node:child_process'
import { dirname } from 'node:path'

const usualFolders = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'.split(':')

/** Folders of administration programs, which an ordinary user's PATH may lack; last, where Node.js itself lies. */
export const programPath: string = [...new Set([...usualFolders, dirname(process.execPath)])].join(
  ':',
)

/**
 * Runs a program to its end, with `input` on its stdin.
 * @returns its stdout
 * @throws Error with the command line, the exit code and what it said
 */
export function command(argv: readonly string[], input = ''): Promise<string> {
  const [program = '', ...args] = argv
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: 'pipe',
      env: { ...process.env, PATH: programPath },
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) resolve(stdout)
      else {
        const how = signal ?? `exit code ${String(code)}`
        reject(new Error(`${argv.join(' ')} failed (${how}): ${(stderr || stdout).trim()}`))
      }
    })
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
  })
}

/** The same inside the network namespace of a process. */
export function commandIn(pid: number, argv: readonly string[], input = ''): Promise<string> {
  return command(['nsenter', '-t', String(pid), '-n', ...argv], input)
}
