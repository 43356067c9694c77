import { rename, rm, writeFile } from 'node:fs/promises'
import { UsageError } from '../model/errors.ts'

/**
 * Writes a whole file or none: first beside its place, then renamed into it.
 * @throws UsageError when the disk is full or the place cannot be written
 */
export async function writeText(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`
  try {
    await writeFile(temporary, text)
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    const full = error instanceof Error && 'code' in error && error.code === 'ENOSPC'
    throw new UsageError(`${path} cannot be written: ${(error as Error).message}`, [], {
      hint: full
        ? 'free some space, or choose another place'
        : 'choose a place that can be written',
    })
  }
}
