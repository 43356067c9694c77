import { createHash } from 'node:crypto'
import { distance } from 'fastest-levenshtein'
import { UsageError } from '../model/errors.ts'
import { globPattern } from '../model/glob.ts'
import type { Requirement } from '../model/requirement.ts'

/** Which rows of the catalogue a run judges, as the user typed it; a row has to fit everything that is given. */
export interface Selection {
  /** Names with commas between them: `DNS,L4`. In any case, as for `level` and `feature`. */
  readonly profile?: string | undefined
  /** Globs over ids with commas between them: `DNS-A-*,L4-TCP-00?`. */
  readonly only?: string | undefined
  /** `MUST,SHOULD` */
  readonly level?: string | undefined
  /** Features that rows name; `core` stands for rows that name none. */
  readonly feature?: string | undefined
  /** `2/3`: the second of three parts, which are disjoint, hold every row, and stay the same when rows are added. */
  readonly shard?: string | undefined
}

/**
 * The rows that fit, in their order.
 * @throws UsageError for a word or glob that fits no row at all, naming near ones, and when no row fits everything
 */
export function select(
  requirements: readonly Requirement[],
  selection: Selection,
): readonly Requirement[] {
  const { profile, only, level, feature, shard } = selection
  const fits = [
    oneOf('--profile', profile, requirements, (row) => row.profile),
    globs(only, requirements),
    oneOf('--level', level, requirements, (row) => row.level),
    oneOf('--feature', feature, requirements, (row) => row.feature ?? 'core'),
  ].filter((fit) => fit !== undefined)
  const inShard = shardOf(shard)
  const selected = requirements.filter((row) => fits.every((fit) => fit(row)))
  if (selected.length === 0)
    throw new UsageError(`no row of the catalogue fits ${described(selection)}`, [], {
      hint: 'meshmark conform --list shows all rows',
    })
  return selected.filter(({ id }) => inShard(id))
}

/** The same rows in an order that the seed alone decides. */
export function shuffle(
  requirements: readonly Requirement[],
  seed: number,
): readonly Requirement[] {
  return requirements
    .map((row) => ({ row, key: hash(`${seed} ${row.id}`) }))
    .sort((a, b) => a.key - b.key)
    .map(({ row }) => row)
}

type Fit = (row: Requirement) => boolean

function oneOf(
  flag: string,
  given: string | undefined,
  requirements: readonly Requirement[],
  wordOf: (row: Requirement) => string,
): Fit | undefined {
  if (given === undefined) return undefined
  const known = [...new Set(requirements.map(wordOf))]
  const wanted = new Set<string>()
  for (const word of words(flag, given)) {
    const found = known.find((name) => name.toLowerCase() === word.toLowerCase())
    if (found === undefined)
      throw new UsageError(`${flag}: got "${word}", want one of ${known.join(', ')}`)
    wanted.add(found)
  }
  return (row) => wanted.has(wordOf(row))
}

function globs(given: string | undefined, requirements: readonly Requirement[]): Fit | undefined {
  if (given === undefined) return undefined
  const patterns = words('--only', given).map((glob) => {
    const pattern = globPattern(glob)
    if (!requirements.some(({ id }) => pattern.test(id)))
      throw new UsageError(`--only: "${glob}" matches no row of the catalogue`, [], {
        hint: `near it: ${nearIds(glob, requirements).join(', ')}`,
      })
    return pattern
  })
  return ({ id }) => patterns.some((pattern) => pattern.test(id))
}

/** `*` is any text, `?` any character; upper and lower case are the same. */
/** Ids that begin alike come first, then those that need the fewest keystrokes. */
function nearIds(glob: string, requirements: readonly Requirement[]): readonly string[] {
  const typed = glob.replaceAll(/[*?]/g, '').toUpperCase()
  const keystrokes = (id: string): number =>
    Math.min(distance(typed, id), distance(typed, id.slice(0, typed.length)) + 0.5)
  return requirements
    .map(({ id }) => ({ id, far: keystrokes(id) }))
    .sort((a, b) => a.far - b.far)
    .slice(0, 3)
    .map(({ id }) => id)
}

function words(flag: string, given: string): readonly string[] {
  const list = given.split(',').map((word) => word.trim())
  if (list.includes('')) throw new UsageError(`${flag}: got "${given}", want words between commas`)
  return list
}

function shardOf(given: string | undefined): (id: string) => boolean {
  if (given === undefined) return () => true
  const [, part, parts] = /^(\d{1,4})\/(\d{1,4})$/.exec(given)?.map(Number) ?? []
  if (part === undefined || parts === undefined || part < 1 || part > parts)
    throw new UsageError(`--shard: got "${given}", want i/n with 1 <= i <= n, e.g. 1/3`)
  return (id) => hash(id) % parts === part - 1
}

/** Evenly spread over 0 to 2^32 - 1. */
function hash(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0)
}

function described(selection: Selection): string {
  const { profile, only, level, feature } = selection
  return Object.entries({ profile, only, level, feature })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `--${name} ${String(value)}`)
    .join(' ')
}
