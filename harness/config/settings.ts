import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { z } from 'zod'
import { type Problem, UsageError } from '../model/errors.ts'

/** What `meshmark.yaml` may say; flags win over it. */
export interface Settings {
  readonly provider?: string | undefined
  readonly target?: string | undefined
  /** Folder for results. */
  readonly out?: string | undefined
  readonly seed?: number | undefined
  readonly bench?: { readonly pairs?: number | undefined } | undefined
}

const shape = {
  provider: z.string().optional(),
  target: z.string().optional(),
  out: z.string().min(1).optional(),
  seed: z.number().int().min(0).max(0xffff_ffff).optional(),
  bench: z
    .strictObject({
      pairs: z.number().int().min(1).max(100).optional(),
    })
    .optional(),
}

const settingsSchema: z.ZodType<Settings> = z.strictObject(shape)

/** The name that is looked for where no `--config` is given. */
export const settingsFile = 'meshmark.yaml'

/**
 * Reads settings; a file that was not asked for may be absent.
 * @throws UsageError naming every wrong key, its value and the rule
 */
export async function readSettings(path: string | undefined): Promise<Settings> {
  const file = path ?? settingsFile
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (path === undefined) return undefined
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}`)
  })
  return text === undefined ? {} : parseSettings(text, file)
}

export function parseSettings(text: string, file: string): Settings {
  const value = yamlValue(text, file)
  const parsed = settingsSchema.safeParse(value ?? {})
  if (parsed.success) return parsed.data
  throw new UsageError(
    `${file} has ${parsed.error.issues.length} wrong setting(s)`,
    parsed.error.issues.map((issue) => problemOf(issue, value)),
  )
}

function yamlValue(text: string, file: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    throw new UsageError(`${file} is not YAML: ${(error as Error).message}`)
  }
}

function problemOf(issue: z.core.$ZodIssue, root: unknown): Problem {
  if (issue.code === 'unrecognized_keys') {
    const allowed = allowedAt(issue.path)
    return {
      subject: [...issue.path, ...issue.keys].join('.'),
      message: `unknown key; want one of ${allowed.join(', ')}`,
    }
  }
  const given = issue.path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined,
    root,
  )
  return {
    subject: issue.path.join('.') || '(the whole file)',
    message: `got ${JSON.stringify(given)}: ${issue.message}`,
  }
}

function allowedAt(path: readonly PropertyKey[]): readonly string[] {
  return path[0] === 'bench' ? ['pairs'] : Object.keys(shape)
}
