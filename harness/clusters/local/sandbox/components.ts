import { spawn } from 'node:child_process'
import { createWriteStream, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { programPath } from '../network/command.ts'
import { insideDirectory } from './config.ts'

/** How much of a component's log an error quotes. */
const quotedLines = 15

export interface ComponentInit {
  readonly name: string
  /** Process that holds the namespaces in which it runs. */
  readonly holder: number
  readonly argv: readonly string[]
  /** Called when it ends by itself after it was ready. */
  readonly onExit: (message: string) => void
}

/**
 * Starts a component of the cluster in a node's namespaces and resolves when it says `{"ready":true}` on stdout.
 * Everything else that it says goes to `logs/<name>.log`.
 */
export function startComponent({ name, holder, argv, onExit }: ComponentInit): Promise<void> {
  const path = join(insideDirectory, 'logs', `${name}.log`)
  const log = createWriteStream(path, { flags: 'a' })
  const child = spawn('nsenter', ['-t', String(holder), '-n', '-m', '-u', '--', ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: programPath },
    cwd: '/',
  })
  child.stderr.pipe(log, { end: false })
  return new Promise((resolve, reject) => {
    let ready = false
    child.stdout.on('data', (chunk: Buffer) => {
      log.write(chunk)
      if (!ready && chunk.includes('"ready"')) {
        ready = true
        resolve()
      }
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      const message = `${name} ended (${signal ?? `exit code ${String(code)}`}); it last said:\n${tail(path)}`
      log.end()
      if (ready) onExit(message)
      else reject(new Error(message))
    })
  })
}

function tail(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim().split('\n').slice(-quotedLines).join('\n')
  } catch {
    return '(nothing)'
  }
}
