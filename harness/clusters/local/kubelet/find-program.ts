import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { programPath } from '../network/command.ts'

/** Where a program of this machine lies, or undefined. */
export function findProgram(name: string): string | undefined {
  return programPath
    .split(':')
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path))
}

/** The same, or the bare name: containers have a PATH of their own, with programs of the same name. */
export function programOf(name: string): string {
  return findProgram(name) ?? name
}
