import { stat } from 'node:fs/promises'
import { join } from 'node:path'

/** The result that a path means: itself, or the one in that folder. */
export async function resultFile(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined)
  return found?.isDirectory() === true ? join(path, 'result.json') : path
}
