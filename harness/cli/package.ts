import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the installed package: where package.json lies, seen from dist/harness/cli or harness/cli. */
export const packageDirectory: string = findPackage(dirname(fileURLToPath(import.meta.url)))

export function suiteVersion(): string {
  return versionOf(packageDirectory)
}

/** The version of the package in this folder. */
export function versionOf(folder: string): string {
  const text: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  if (
    typeof text === 'object' &&
    text !== null &&
    'version' in text &&
    typeof text.version === 'string'
  )
    return text.version
  throw new Error(`${folder}/package.json has no version`)
}

function findPackage(from: string): string {
  if (existsSync(join(from, 'package.json'))) return from
  const parent = dirname(from)
  if (parent === from) throw new Error('package.json of meshmark cannot be found')
  return findPackage(parent)
}
