import type { FieldError } from '../resource-definition.ts'

export const required = (field: string, detail = ''): FieldError => ({
  type: 'FieldValueRequired',
  field,
  detail,
})

export const invalid = (field: string, value: unknown, detail: string): FieldError => ({
  type: 'FieldValueInvalid',
  field,
  value,
  detail,
})

export const duplicate = (field: string, value: unknown): FieldError => ({
  type: 'FieldValueDuplicate',
  field,
  value,
  detail: '',
})

export const notSupported = (
  field: string,
  value: unknown,
  allowed: readonly string[],
): FieldError => ({
  type: 'FieldValueNotSupported',
  field,
  value,
  detail: `supported values: ${[...allowed]
    .sort()
    .map((one) => `"${one}"`)
    .join(', ')}`,
})

export const forbidden = (field: string, detail: string): FieldError => ({
  type: 'FieldValueForbidden',
  field,
  detail,
})

/** `field is immutable`, when a value differs from the stored one. */
export function immutable(field: string, value: unknown, old: unknown): readonly FieldError[] {
  return JSON.stringify(value) === JSON.stringify(old)
    ? []
    : [invalid(field, value, 'field is immutable')]
}

export function oneOf(
  field: string,
  value: unknown,
  allowed: readonly string[],
): readonly FieldError[] {
  return typeof value === 'string' && allowed.includes(value)
    ? []
    : [notSupported(field, value, allowed)]
}

const dnsLabelRule =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"

/** RFC 1123 label: names of containers, ports and volumes. */
export function dnsLabel(field: string, value: string): readonly FieldError[] {
  if (value.length > 63)
    return [{ type: 'FieldValueTooLong', field, value, detail: 'may not be more than 63 bytes' }]
  return /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(value) ? [] : [invalid(field, value, dnsLabelRule)]
}

export function portNumber(field: string, value: unknown): readonly FieldError[] {
  return typeof value === 'number' && value >= 1 && value <= 65_535
    ? []
    : [invalid(field, value, 'must be between 1 and 65535, inclusive')]
}
