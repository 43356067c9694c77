import { badRequest, invalid } from '../api-errors.ts'
import type { WriteOptions } from '../environment.ts'
import type { FieldError } from '../resource-definition.ts'

/** @throws ApiError 422 when an option has a value that does not exist */
export function parseWriteOptions(
  query: URLSearchParams,
  userAgent: string | undefined,
  kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions',
): WriteOptions {
  const errors: FieldError[] = []
  const dryRun = query.getAll('dryRun')
  if (dryRun.some((value) => value !== 'All')) {
    errors.push(notSupported('dryRun', dryRun.join(','), ['All']))
  }
  const validation = query.get('fieldValidation') ?? ''
  if (!['', 'Ignore', 'Warn', 'Strict'].includes(validation)) {
    errors.push(notSupported('fieldValidation', validation, ['', 'Ignore', 'Strict', 'Warn']))
  }
  const manager = query.get('fieldManager') ?? ''
  if (manager.length > 128) {
    errors.push({
      type: 'FieldValueTooLong',
      field: 'fieldManager',
      detail: 'may not be more than 128 bytes',
    })
  }
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind }, '', errors)
  return {
    isDryRun: dryRun.length > 0,
    fieldManager: manager === '' ? managerOf(userAgent) : manager,
    fieldValidation: validation === 'Strict' || validation === 'Ignore' ? validation : 'Warn',
  }
}

/** The value of a boolean option; 400 for anything that Go's ParseBool refuses. */
export function parseBoolean(query: URLSearchParams, name: string): boolean | undefined {
  const text = query.get(name)
  if (text === null || text === '') return text === null ? undefined : true
  if (/^(1|t|true)$/i.test(text)) return true
  if (/^(0|f|false)$/i.test(text)) return false
  throw badRequest(`${name}: strconv.ParseBool: parsing "${text}": invalid syntax`)
}

/** The value of an integer option; 400 for anything else. */
export function parseInteger(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name)
  if (text === null || text === '') return undefined
  if (!/^-?\d{1,15}$/.test(text)) {
    throw badRequest(`${name}: strconv.ParseInt: parsing "${text}": invalid syntax`)
  }
  return Number(text)
}

function managerOf(userAgent = 'unknown'): string {
  return userAgent.split('/')[0]?.slice(0, 128) ?? 'unknown'
}

function notSupported(field: string, value: string, supported: readonly string[]): FieldError {
  return {
    type: 'FieldValueNotSupported',
    field,
    value,
    detail: `supported values: ${supported.map((text) => `"${text}"`).join(', ')}`,
  }
}
