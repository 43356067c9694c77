import type { z } from 'zod'

/** Faults named in one message; the rest is counted. */
const maxFaults = 10

/** Characters of a wrong value that are shown. */
const maxValueLength = 60

/** Every fault of a value as `bench.questions[0].unit: got "s", want ...`, one a line. */
export function faultLines(value: unknown, error: z.core.$ZodError): readonly string[] {
  const lines = error.issues.map((issue) => `${pathText(issue.path)}: ${faultText(value, issue)}`)
  const more = lines.length - maxFaults
  return more > 0 ? [...lines.slice(0, maxFaults), `and ${more} more`] : lines
}

function faultText(value: unknown, issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys')
    return `has ${issue.keys.join(', ')}, which this schema does not know`
  return `got ${shown(at(value, issue.path))}, ${rule(issue)}`
}

function rule(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `want ${issue.expected}`
    case 'invalid_value':
      return `want ${issue.values.map((one) => JSON.stringify(one)).join(' or ')}`
    case 'too_small':
      return `want ${String(issue.minimum)} or more${issue.origin === 'string' ? ' characters' : ''}`
    case 'too_big':
      return `want ${String(issue.maximum)} or less`
    default:
      return issue.message.charAt(0).toLowerCase() + issue.message.slice(1)
  }
}

function pathText(path: readonly PropertyKey[]): string {
  const text = path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '')
  return text === '' ? '(the whole file)' : text
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value
  for (const key of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined
    found = (found as Readonly<Record<PropertyKey, unknown>>)[key]
  }
  return found
}

/** A wrong value in few words; an object is named by its fields. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object' && value !== null) return `{${cut(Object.keys(value).join(', '))}}`
  if (typeof value === 'number') return String(value)
  return cut(JSON.stringify(value))
}

function cut(text: string): string {
  return text.length > maxValueLength ? `${text.slice(0, maxValueLength)}…` : text
}
