import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { UsageError, type Problem } from '../model/errors.ts'

const file = z.strictObject({
  /** `--target`. */
  target: z.string().min(1),
  knownFailures: z.array(
    z.strictObject({
      id: z.string().regex(/^[A-Z0-9]+(-[A-Z0-9]+)+$/, 'want the id of a row'),
      reason: z.string().min(1),
      url: z.url(),
      expires: z.iso.date(),
      sometimes: z.literal(true).optional(),
    }),
  ),
})

export interface KnownFailure {
  readonly id: string
  readonly reason: string
  /** Where it is told. */
  readonly url: string
  /** Last day on which it is believed, `2027-06-30`. */
  readonly expires: string
  /** The target itself is not the same each time, a race decides: that the row passes makes it not stale. */
  readonly sometimes?: true | undefined
}

/**
 * Reads the known failures of a target: the file that the user names, or `<target>.yaml` of a folder, where it exists.
 * @throws UsageError with every problem of the file: unknown keys, rows that the catalogue does not have, twice the same
 */
export async function readExpectations(
  { file: given, folder }: { readonly file?: string | undefined; readonly folder: string },
  target: string,
  rows: readonly { readonly id: string }[],
): Promise<readonly KnownFailure[]> {
  const name = given ?? join(folder, `${target}.yaml`)
  const text = await readFile(name, 'utf8').catch((error: unknown) => {
    if (given === undefined && error instanceof Error && 'code' in error && error.code === 'ENOENT')
      return undefined
    throw new UsageError(`${name} cannot be read: ${String(error)}`)
  })
  if (text === undefined) return []
  const { success, data, error } = file.safeParse(parse(text))
  if (!success)
    throw new UsageError(
      `${name} is not a list of known failures`,
      error.issues.map((issue) => ({ subject: issue.path.join('.'), message: issue.message })),
    )
  const known = new Set(rows.map(({ id }) => id))
  const ids = data.knownFailures.map(({ id }) => id)
  const problems: readonly Problem[] = [
    ...(data.target === target || given !== undefined
      ? []
      : [{ subject: 'target', message: `got ${data.target}, want ${target} as the file's name` }]),
    ...ids
      .filter((id) => !known.has(id))
      .map((id) => ({ subject: id, message: 'the catalogue has no such row' })),
    ...ids
      .filter((id, index) => ids.indexOf(id) !== index)
      .map((id) => ({ subject: id, message: 'is there twice' })),
  ]
  if (problems.length > 0) throw new UsageError(`${name} has entries that make no sense`, problems)
  return data.knownFailures
}
