import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { UsageError } from '../model/errors.ts'
import type { NamedResult } from '../results/compare.ts'
import { readWhole } from '../results/published.ts'
import { nearest } from './nearest.ts'

/** Where published results lie in a checkout. */
export const releasesFolder = 'reports/releases'

/** Folders that hold no result, however deep. */
const notLookedInto: readonly string[] = ['evidence', 'node_modules']

/**
 * Every result that a word names: a file, the folder of a run, a folder with folders of runs, or a release below
 * `releases`, such as `0.1.0` or `0.1.0/meshmark-reference`. In the order of their start.
 * @throws UsageError when there is none; ResultError for one that is cut, partial or changed
 */
export async function resultsNamed(
  word: string,
  releases: string,
): Promise<readonly NamedResult[]> {
  const files = await filesNamed(word, releases)
  const results: NamedResult[] = []
  for (const name of files) results.push({ name, result: await readWhole(name) })
  return results.toSorted((a, b) => (a.result.startedAt < b.result.startedAt ? -1 : 1))
}

async function filesNamed(word: string, releases: string): Promise<readonly string[]> {
  const released = join(releases, word)
  const path = existsSync(word) ? word : existsSync(released) ? released : undefined
  if (path === undefined) throw await noSuch(word, releases)
  if (!(await stat(path)).isDirectory()) return [path]
  const files = await below(path)
  if (files.length > 0) return files
  throw new UsageError(`${path}: got a folder without any result.json`, [], {
    hint: 'name a result.json that a run has written, or a folder that holds one',
  })
}

async function below(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  if (entries.some((entry) => entry.isFile() && entry.name === 'result.json'))
    return [join(folder, 'result.json')]
  const folders = entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .filter((name) => !notLookedInto.includes(name))
  return (await Promise.all(folders.sort().map((name) => below(join(folder, name))))).flat()
}

async function noSuch(word: string, releases: string): Promise<UsageError> {
  const known = await readdir(releases).catch(() => [])
  const near = nearest(word.split(sep)[0] ?? word, known)
  return new UsageError(
    `got "${word}", want a result.json, a folder that holds one, or a release in ${releases}`,
    [],
    {
      hint:
        known.length === 0
          ? `there is no release in ${releases}; --releases names another folder`
          : `releases: ${known.sort().join(', ')}${near === undefined ? '' : `; did you mean ${near}?`}`,
    },
  )
}
