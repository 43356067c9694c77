import { isDeepStrictEqual } from 'node:util'

/** What an API server said. */
export interface Answer {
  readonly status: number
  readonly body: unknown
}

/** Fields that no two clusters have in common; what is in them is not compared, whether they are there is. */
const ownFields = new Set(['uid', 'resourceVersion', 'creationTimestamp', 'time', 'selfLink'])

/** Fields that are compared neither: who wrote what when is for `managedFields` tests of their own. */
const dropped = new Set(['managedFields'])

/** An answer as it is compared. */
export function comparable(status: number, text: string): Answer {
  return { status, body: plain(parsed(text)) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !dropped.has(key))
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, inner]) => [key, ownFields.has(key) ? '(its own)' : plain(inner)]),
  )
}

/** Where two answers differ: `path: ours | real`, one line each; empty when they do not. */
export function differences(ours: unknown, real: unknown, path = ''): readonly string[] {
  if (isDeepStrictEqual(ours, real)) return []
  if (isRecord(ours) && isRecord(real)) {
    const keys = new Set([...Object.keys(ours), ...Object.keys(real)])
    return [...keys].flatMap((key) => differences(ours[key], real[key], `${path}.${key}`))
  }
  return [`${path === '' ? '.' : path}: ${shown(ours)} | ${shown(real)}`]
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function shown(value: unknown): string {
  return value === undefined ? '(absent)' : JSON.stringify(value)
}
