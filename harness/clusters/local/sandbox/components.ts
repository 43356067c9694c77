import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { programPath } from '../network/command.ts'
import { insideDirectory } from './config.ts'

/** How much of what a component said an error quotes. */
const quotedLines = 15
const keptCharacters = 8 * 1024

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
 * Everything that it says goes to `logs/<name>.log`.
 */
export function startComponent({ name, holder, argv, onExit }: ComponentInit): Promise<void> {
  const log = createWriteStream(join(insideDirectory, 'logs', `${name}.log`), { flags: 'a' })
  // why: a full disk costs lines of the log, not the cluster
  log.on('error', () => undefined)
  const child = spawn('nsenter', ['-t', String(holder), '-n', '-m', '-u', '--', ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: programPath },
    cwd: '/',
  })
  // why: kept here as well, because the log may have found no room
  let said = ''
  const keep = (chunk: Buffer): void => {
    log.write(chunk)
    said = (said + chunk.toString()).slice(-keptCharacters)
  }
  child.stderr.on('data', keep)
  return new Promise((resolve, reject) => {
    let isReady = false
    child.stdout.on('data', (chunk: Buffer) => {
      keep(chunk)
      if (isReady || !chunk.includes('"ready"')) return
      isReady = true
      resolve()
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      log.end()
      const how = signal ?? `exit code ${String(code)}`
      const lines = said.trim().split('\n').slice(-quotedLines).join('\n')
      const message = `${name} ended (${how}); it last said:\n${lines === '' ? '(nothing)' : lines}`
      if (isReady) onExit(message)
      else reject(new Error(message))
    })
  })
}
