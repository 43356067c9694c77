import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ResultError } from '../model/errors.ts'
import type { RunResult } from '../model/run-result.ts'
import { canonicalText } from './canonical.ts'
import { faultLines } from './faults.ts'
import { runResultSchema } from './schema.ts'

/**
 * Writes `result.json` into a folder that exists, whole or not at all: first beside its place, then renamed into it.
 * @returns the path of the file
 * @throws ResultError `not-written` when disk, rights or folder do not allow it; `invalid` when the result breaks its
 *   own schema, which is a defect of meshmark: what was found is kept in `result.rejected.json` then
 */
export async function writeResult(directory: string, result: RunResult): Promise<string> {
  const { success, data, error } = runResultSchema.safeParse(result)
  if (success) return writeWhole(join(directory, 'result.json'), canonicalText(data))
  const kept = await writeWhole(
    join(directory, 'result.rejected.json'),
    `${JSON.stringify(result, null, 2)}\n`,
  )
  throw new ResultError(
    'invalid',
    ['the result of this run breaks its own schema:', ...faultLines(result, error)].join('\n  '),
    { hint: `this is a defect of meshmark; report it with ${kept}` },
  )
}

async function writeWhole(path: string, text: string): Promise<string> {
  const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`
  try {
    const file = await open(temporary, 'wx')
    try {
      await file.writeFile(text)
      // why: without it a power cut after the rename may leave an empty file under the final name
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    return path
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw new ResultError('not-written', `${path} cannot be written: ${codeOf(error)}`, {
      hint: hint(error),
      cause: error,
    })
  }
}

/** The system's own name of what went wrong: `ENOSPC`. */
function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
}

function hint(error: unknown): string {
  switch (codeOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'the disk is full: free some space, or choose another place with --out'
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return 'this folder may not be written: choose another place with --out'
    case 'ENOENT':
    case 'ENOTDIR':
      return 'there is no such folder: make it, or choose another place with --out'
    default:
      return 'choose another place with --out'
  }
}
