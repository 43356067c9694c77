import type { KubeObject } from '../../../../model/kubernetes.ts'
import { badRequest } from '../api-errors.ts'
import type { ResourceDefinition } from '../resource-definition.ts'
import type { Selector } from './label-selector.ts'

/** A parsed field selector; `name` is what it says of metadata.name, so that one object can be looked up directly. */
export interface FieldSelector {
  readonly matches: Selector
  readonly name: string | undefined
}

/**
 * Parses `metadata.name=a,spec.nodeName!=b`.
 * @returns undefined when everything is selected
 * @throws ApiError 400 when it does not parse or names a field that this kind cannot be selected by
 */
export function parseFieldSelector(
  text: string,
  definition: ResourceDefinition,
): FieldSelector | undefined {
  const terms = splitTerms(text).map((term) => parseTerm(term, text))
  if (terms.length === 0) return undefined
  const allowed = new Set(['metadata.name', ...(definition.fieldSelectors ?? [])])
  if (definition.namespaced) allowed.add('metadata.namespace')
  for (const { field } of terms) {
    if (!allowed.has(field)) {
      throw badRequest(`field label not supported: ${field}`)
    }
  }
  const byName = terms.find(({ field, equals }) => equals && field === 'metadata.name')
  return {
    name: byName?.value,
    matches: (object) =>
      terms.every(({ field, equals, value }) => (fieldText(object, field) === value) === equals),
  }
}

interface Term {
  readonly field: string
  readonly equals: boolean
  readonly value: string
}

function parseTerm(term: string, whole: string): Term {
  const parts = /^(.*?)(!=|==|=)((?:\\.|[^\\])*)$/s.exec(term)
  if (parts === null) {
    throw badRequest(
      `unable to parse field selector: invalid selector: '${whole}'; can't understand '${term}'`,
    )
  }
  const [, field = '', operator, value = ''] = parts
  return { field, equals: operator !== '!=', value: value.replace(/\\([\\,=])/g, '$1') }
}

function splitTerms(text: string): readonly string[] {
  return (text.match(/(?:\\.|[^\\,])+/gs) ?? []).filter((term) => term !== '')
}

/** Absent fields are the empty string, as the real server sees them. */
function fieldText(object: KubeObject, path: string): string {
  let value: unknown = object
  for (const step of path.split('.')) {
    if (typeof value !== 'object' || value === null) return ''
    value = (value as Record<string, unknown>)[step]
  }
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
}
