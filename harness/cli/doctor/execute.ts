import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

export interface Executed {
  /** Exit code, or undefined when the program could not be started or was killed. */
  readonly code: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program for at most 10 s and gives what came of it; never throws. */
export function execute(program: string, args: readonly string[]): Promise<Executed> {
  return new Promise((resolve) => {
    execFile(
      program,
      [...args],
      { timeout: 10_000, env: { ...process.env, PATH: searchPath() } },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : undefined
        resolve({ code, stdout, stderr: stderr === '' && error !== null ? error.message : stderr })
      },
    )
  })
}

/** PATH with the folders of administration programs, which ordinary users often lack. */
export function searchPath(): string {
  const own = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  if (process.env['MESHMARK_BARE_PATH'] !== undefined) return own.join(delimiter)
  return [...new Set([...own, '/usr/local/sbin', '/usr/sbin', '/sbin'])].join(delimiter)
}

/** Where a program lies, or undefined. */
export function which(program: string): string | undefined {
  for (const folder of searchPath().split(delimiter)) {
    const path = join(folder, program)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // why: not in this folder; the next one may have it
    }
  }
  return undefined
}
