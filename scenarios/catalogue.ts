import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import type { z } from 'zod'
import { type Problem, type Requirement, UsageError } from '../harness/api.ts'
import { fileSchema, retiredSchema, type Row } from './catalogue-schema.ts'

/** Goes up when a row is added, retired or changes its meaning; reports of different versions are not compared. */
export const catalogueVersion = '1'

/** The files of the catalogue, in the order of reports. A test holds them against the folder. */
export const catalogueFiles: readonly string[] = [
  'dns-records.yaml',
  'dns-protocol.yaml',
  'dns-freshness.yaml',
  'l4.yaml',
  'l7.yaml',
  'lb.yaml',
  'edge.yaml',
  'hygiene.yaml',
  'gateway.yaml',
  'security.yaml',
  'robustness.yaml',
]

/** Ids that were given up, with the reason. */
export const retiredFile = 'retired.yaml'

/** Where `scenarios/catalogue` lies, seen from the compiled file in `dist/scenarios`. */
const folder = new URL('../../scenarios/catalogue/', import.meta.url)

/** Every requirement there is, in the order of the files. */
export interface Catalogue {
  readonly version: string
  /** Over what the rows say, in hex; comments and layout of the files do not change it. */
  readonly sha256: string
  readonly requirements: readonly Requirement[]
}

/**
 * Reads the catalogue that ships with meshmark.
 * @throws UsageError naming every problem: file, row, field, value, rule
 */
export async function readCatalogue(): Promise<Catalogue> {
  const names = [...catalogueFiles, retiredFile]
  const texts = await Promise.all(names.map((name) => readFile(new URL(name, folder), 'utf8')))
  return parseCatalogue(new Map(names.map((name, index) => [name, texts[index] ?? ''])))
}

/**
 * @param files texts by file name, in order; {@link retiredFile} may be among them
 * @throws UsageError naming every problem: file, row, field, value, rule
 */
export function parseCatalogue(files: ReadonlyMap<string, string>): Catalogue {
  const problems: Problem[] = []
  const requirements: Requirement[] = []
  /** Where each id was first seen. */
  const seen = new Map<string, string>()
  const claim = (id: string, place: string): void => {
    const first = seen.get(id)
    if (first === undefined) seen.set(id, place)
    else
      problems.push({
        subject: `${place}: ${id}.id`,
        message: `got "${id}": is in ${first} already`,
      })
  }
  for (const [name, text] of files) {
    const value = yamlValue(name, text, problems)
    if (value === undefined) continue
    if (name === retiredFile) {
      const { retired } = checked(name, value, retiredSchema, problems) ?? { retired: [] }
      for (const { id } of retired) claim(id, name)
      continue
    }
    const file = checked(name, value, fileSchema, problems)
    for (const row of file?.requirements ?? []) {
      claim(row.id, name)
      if (file !== undefined) requirements.push(requirementOf(row, file))
    }
  }
  if (problems.length > 0)
    throw new UsageError(`the catalogue has ${problems.length} problem(s)`, problems)
  const sha256 = createHash('sha256').update(canonical(requirements)).digest('hex')
  return { version: catalogueVersion, sha256, requirements }
}

function yamlValue(name: string, text: string, problems: Problem[]): unknown {
  try {
    return parse(text) ?? {}
  } catch (error) {
    problems.push({ subject: name, message: `is not YAML: ${(error as Error).message}` })
    return undefined
  }
}

function checked<T>(
  name: string,
  value: unknown,
  schema: z.ZodType<T>,
  problems: Problem[],
): T | undefined {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  for (const issue of parsed.error.issues) problems.push(problemOf(name, value, issue))
  return undefined
}

function problemOf(name: string, root: unknown, issue: z.core.$ZodIssue): Problem {
  const given = issue.path.reduce<unknown>(member, root)
  const [list, index, ...field] = issue.path
  const id = index === undefined ? undefined : member(member(member(root, list), index), 'id')
  const row = typeof id === 'string' ? [id, ...field] : issue.path
  if (issue.code === 'unrecognized_keys')
    return { subject: `${name}: ${[...row, ...issue.keys].join('.')}`, message: 'unknown key' }
  const rule =
    issue.code === 'invalid_key' ? issue.issues.map(({ message }) => message).join() : issue.message
  return {
    subject: `${name}: ${row.join('.') || '(the whole file)'}`,
    message: `got ${JSON.stringify(given)}: ${rule}`,
  }
}

function member(value: unknown, key: PropertyKey | undefined): unknown {
  if (typeof value !== 'object' || value === null || key === undefined) return undefined
  return Reflect.get(value, key)
}

function requirementOf(row: Row, { profile, thresholds }: z.infer<typeof fileSchema>): Requirement {
  return {
    ...row,
    profile,
    disruptive: row.disruptive === true,
    slow: row.slow === true,
    thresholds: { ...thresholds, ...row.thresholds },
  }
}

/** JSON with sorted keys: the same content gives the same text. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
