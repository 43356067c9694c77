import { equal, isArray, isObject } from '../json.ts'
import type { JsonObject } from '../json.ts'
import type { FieldError } from '../resource-definition.ts'

/**
 * What of an openAPIV3Schema a value breaks, in the real server's words. CEL rules and formats are not checked.
 * @param path - of the value, e.g. `spec.ports[0]`; '' for the whole object
 */
export function validateAgainst(
  value: unknown,
  schema: JsonObject,
  path: string,
): readonly FieldError[] {
  if (value === null && schema['nullable'] === true) return []
  const typeError = checkType(value, schema, path)
  if (typeError !== undefined) return [typeError]
  return [
    ...checkEnum(value, schema, path),
    ...checkText(value, schema, path),
    ...checkNumber(value, schema, path),
    ...checkList(value, schema, path),
    ...checkObject(value, schema, path),
    ...checkCombinations(value, schema, path),
  ]
}

function checkType(value: unknown, schema: JsonObject, path: string): FieldError | undefined {
  const { type } = schema
  if (schema['x-kubernetes-int-or-string'] === true) {
    return typeof value === 'string' || Number.isInteger(value)
      ? undefined
      : wrongType(value, 'integer,string', path)
  }
  if (typeof type !== 'string' || type === '') return undefined
  const fits: Readonly<Record<string, boolean>> = {
    object: isObject(value),
    array: isArray(value),
    string: typeof value === 'string',
    boolean: typeof value === 'boolean',
    integer: Number.isInteger(value),
    number: typeof value === 'number',
  }
  return fits[type] === false ? wrongType(value, type, path) : undefined
}

function wrongType(value: unknown, type: string, path: string): FieldError {
  const found = isArray(value) ? 'array' : value === null ? 'null' : typeof value
  return {
    type: 'FieldValueTypeInvalid',
    field: path === '' ? '<nil>' : path,
    value: isObject(value) || isArray(value) ? found : value,
    detail: `${path} in body must be of type ${type}: "${found}"`,
  }
}

function checkEnum(value: unknown, schema: JsonObject, path: string): readonly FieldError[] {
  const allowed = schema['enum']
  if (!isArray(allowed) || allowed.some((one) => equal(one, value))) return []
  return [
    {
      type: 'FieldValueNotSupported',
      field: path,
      value,
      detail: `supported values: ${allowed.map((one) => JSON.stringify(one)).join(', ')}`,
    },
  ]
}

function checkText(value: unknown, schema: JsonObject, path: string): readonly FieldError[] {
  if (typeof value !== 'string') return []
  const { pattern, minLength, maxLength } = schema
  const errors: FieldError[] = []
  const length = Array.from(value).length
  if (typeof minLength === 'number' && length < minLength) {
    errors.push(breach(value, path, `should be at least ${minLength} chars long`))
  }
  if (typeof maxLength === 'number' && length > maxLength) {
    errors.push({
      type: 'FieldValueTooLong',
      field: path,
      detail: `may not be more than ${maxLength} bytes`,
    })
  }
  if (typeof pattern === 'string' && !matches(pattern, value)) {
    errors.push(breach(value, path, `should match '${pattern}'`))
  }
  return errors
}

function checkNumber(value: unknown, schema: JsonObject, path: string): readonly FieldError[] {
  if (typeof value !== 'number') return []
  const { minimum, maximum, multipleOf } = schema
  const errors: FieldError[] = []
  if (typeof minimum === 'number') {
    const isStrict = schema['exclusiveMinimum'] === true
    if (isStrict ? value <= minimum : value < minimum) {
      errors.push(
        breach(value, path, `should be greater than ${isStrict ? '' : 'or equal to '}${minimum}`),
      )
    }
  }
  if (typeof maximum === 'number') {
    const isStrict = schema['exclusiveMaximum'] === true
    if (isStrict ? value >= maximum : value > maximum) {
      errors.push(
        breach(value, path, `should be less than ${isStrict ? '' : 'or equal to '}${maximum}`),
      )
    }
  }
  if (typeof multipleOf === 'number' && !Number.isInteger(value / multipleOf)) {
    errors.push(breach(value, path, `should be a multiple of ${multipleOf}`))
  }
  return errors
}

function checkList(value: unknown, schema: JsonObject, path: string): readonly FieldError[] {
  if (!isArray(value)) return []
  const { items, minItems, maxItems } = schema
  const errors: FieldError[] = []
  if (typeof minItems === 'number' && value.length < minItems) {
    errors.push(breach(value.length, path, `should have at least ${minItems} items`))
  }
  if (typeof maxItems === 'number' && value.length > maxItems) {
    errors.push({
      type: 'FieldValueTooMany',
      field: path,
      value: value.length,
      detail: `must have at most ${maxItems} items`,
    })
  }
  errors.push(...checkKeys(value, schema, path))
  if (isObject(items)) {
    value.forEach((item, index) => {
      errors.push(...validateAgainst(item, items, `${path}[${index}]`))
    })
  }
  return errors
}

/** Items of sets and associative lists must differ. */
function checkKeys(
  value: readonly unknown[],
  schema: JsonObject,
  path: string,
): readonly FieldError[] {
  const ownership = schema['x-kubernetes-list-type']
  const keys = schema['x-kubernetes-list-map-keys']
  const seen = new Set<string>()
  const errors: FieldError[] = []
  if (ownership !== 'set' && ownership !== 'map') return errors
  value.forEach((item, index) => {
    const names = isArray(keys) ? keys.map(String) : []
    const key =
      ownership === 'map' && isObject(item)
        ? Object.fromEntries(names.map((name) => [name, item[name]]))
        : item
    const text = JSON.stringify(key)
    if (seen.has(text)) {
      errors.push({
        type: 'FieldValueDuplicate',
        field: `${path}[${index}]`,
        value: key,
        detail: '',
      })
    }
    seen.add(text)
  })
  return errors
}

function checkObject(value: unknown, schema: JsonObject, path: string): readonly FieldError[] {
  if (!isObject(value)) return []
  const errors: FieldError[] = []
  const { required, properties, additionalProperties } = schema
  const at = (name: string) => (path === '' ? name : `${path}.${name}`)
  for (const name of isArray(required) ? required.map(String) : []) {
    if (value[name] === undefined) {
      errors.push({ type: 'FieldValueRequired', field: at(name), detail: '' })
    }
  }
  const known = isObject(properties) ? properties : {}
  for (const [name, item] of Object.entries(value)) {
    const property = known[name] ?? additionalProperties
    if (isObject(property)) errors.push(...validateAgainst(item, property, at(name)))
  }
  const { minProperties, maxProperties } = schema
  const count = Object.keys(value).length
  if (typeof minProperties === 'number' && count < minProperties) {
    errors.push(breach(count, path, `should have at least ${minProperties} properties`))
  }
  if (typeof maxProperties === 'number' && count > maxProperties) {
    errors.push({
      type: 'FieldValueTooMany',
      field: path,
      value: count,
      detail: `must have at most ${maxProperties} items`,
    })
  }
  return errors
}

function checkCombinations(
  value: unknown,
  schema: JsonObject,
  path: string,
): readonly FieldError[] {
  const { allOf, anyOf, oneOf, not } = schema
  const errors: FieldError[] = []
  const isValid = (part: unknown) =>
    !isObject(part) || validateAgainst(value, part, path).length === 0
  for (const part of isArray(allOf) ? allOf.filter(isObject) : []) {
    errors.push(...validateAgainst(value, part, path))
  }
  const shown = isObject(value) || isArray(value) ? undefined : value
  if (isArray(anyOf) && !anyOf.some(isValid)) {
    errors.push(breach(shown, path, 'must validate at least one schema (anyOf)', '"'))
  }
  if (isArray(oneOf) && oneOf.filter(isValid).length !== 1) {
    errors.push(breach(shown, path, 'must validate one and only one schema (oneOf)', '"'))
  }
  if (isObject(not) && isValid(not)) {
    errors.push(breach(shown, path, 'must not validate the schema (not)', '"'))
  }
  return errors
}

function breach(value: unknown, path: string, rule: string, quote = ''): FieldError {
  const where = quote === '' ? `${path} in body` : `"${path}"`
  return { type: 'FieldValueInvalid', field: path, value, detail: `${where} ${rule}` }
}

/** Patterns are Go's; what JavaScript cannot read is not checked. */
function matches(pattern: string, text: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(text)
  } catch {
    return true
  }
}
