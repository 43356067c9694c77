import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { ResultError } from '../model/errors.ts'
import { machineFingerprint } from '../model/fingerprint.ts'
import type { RunResult } from '../model/run-result.ts'
import { shown } from './faults.ts'
import { readResult } from './read.ts'

/** Beside a published result: the machine it was made on, and checksums of the files that belong to it. */
export const environmentFile = 'environment.json'

const published = z.strictObject({
  kind: z.literal('PublishedResult'),
  fingerprint: z.string(),
  machine: z.record(z.string(), z.string()),
  environment: z.record(z.string(), z.unknown()),
  files: z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/)),
})

/** The text of `environment.json`. @param files - name in the folder, and content */
export function environmentText(
  { environment }: Pick<RunResult, 'environment'>,
  files: ReadonlyMap<string, string>,
): string {
  const { id, parts } = machineFingerprint(environment)
  const sums = [...files].map(([name, text]) => [name, sha256(text)] as const)
  return `${JSON.stringify(
    {
      kind: 'PublishedResult',
      fingerprint: id,
      machine: parts,
      environment,
      files: Object.fromEntries(sums),
    },
    null,
    2,
  )}\n`
}

/**
 * Reads a result that is to be held against others.
 * @throws ResultError as `readResult` does; `partial` for a run that broke off; `changed` when the folder's checksums
 *   say another thing than its files, one of which may be cut short or missing
 */
export async function readWhole(path: string): Promise<RunResult> {
  const result = await readResult(path)
  if (result.partial)
    throw new ResultError(
      'partial',
      `${path} is partial: its run broke off after ${Math.round(result.durationMs / 1000)} s; only whole runs are compared or published`,
      {
        hint: `run it again to its end: meshmark ${result.suite.argv.join(' ')}`,
      },
    )
  await checkSums(dirname(path))
  return result
}

async function checkSums(folder: string): Promise<void> {
  const path = join(folder, environmentFile)
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return
  for (const [name, wanted] of Object.entries(sumsOf(text, path))) {
    const content = await readFile(join(folder, name)).catch(() => undefined)
    const found = content === undefined ? 'nothing' : sha256(content)
    if (found !== wanted)
      throw new ResultError(
        'changed',
        `${join(folder, name)}: got ${content === undefined ? 'no file' : `${content.length} bytes with SHA-256 ${found.slice(0, 12)}…`}, want SHA-256 ${wanted.slice(0, 12)}… as ${environmentFile} says: it was cut, changed or lost after it was published`,
        { hint: 'restore the file, e.g. git checkout, or publish the run once more' },
      )
  }
}

function sumsOf(text: string, path: string): Readonly<Record<string, string>> {
  const { data } = published.safeParse(parsed(text))
  if (data !== undefined) return data.files
  throw new ResultError(
    'invalid',
    `${path} is not what meshmark publish writes: got ${shown(parsed(text))}`,
    {
      hint: 'restore the file, or publish the run once more',
    },
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}
