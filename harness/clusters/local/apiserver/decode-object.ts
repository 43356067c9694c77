import { badRequest } from './api-errors.ts'
import type { WriteOptions } from './environment.ts'
import type { DecodedBody } from './http/request-body.ts'
import { jsonKind } from './http/request-body.ts'
import { asText, isArray, isObject } from './json.ts'
import type { JsonObject } from './json.ts'
import { apiVersionOf } from './registry.ts'
import type { ServedResource } from './registry.ts'
import type { MutableObject, ResourceDefinition } from './resource-definition.ts'
import type { FieldType } from './schema.ts'

/** An object ready for a strategy, and what the client is warned of. */
export interface DecodedObject {
  readonly object: MutableObject
  readonly warnings: readonly string[]
}

/**
 * Turns a body into an object of the resource: checks apiVersion and kind, checks types, drops unknown fields and
 * nulls as decoding into Go structs does.
 * @throws ApiError 400 when it is of another kind, a field has the wrong type, or a strict check fails
 */
export function decodeObject(
  resource: ServedResource,
  body: DecodedBody,
  options: Pick<WriteOptions, 'fieldValidation'>,
): DecodedObject {
  const { definition } = resource
  const object = body.value
  checkIdentity(object, definition)
  const problems = [...body.duplicates, ...pruneObject(resource, object)]
  if (problems.length > 0 && options.fieldValidation === 'Strict') {
    throw badRequest(
      `${cannotBeHandled(definition)}: strict decoding error: ${problems.join(', ')}`,
    )
  }
  if (!isObject(object['metadata'])) object['metadata'] = {}
  return {
    object: object as MutableObject,
    warnings: options.fieldValidation === 'Warn' ? problems : [],
  }
}

/**
 * Checks the types of an object's fields and removes what its kind does not have.
 * @returns the unknown fields, as `unknown field "spec.foo"`
 * @throws ApiError 400 when a field has the wrong type
 */
export function pruneObject(resource: ServedResource, object: JsonObject): readonly string[] {
  if (resource.type === undefined) return []
  const walk = new Walk(resource.definition, !resource.isCustom)
  walk.value(object, resource.type, '', '')
  return walk.unknown.map((path) => `unknown field "${path}"`)
}

function checkIdentity(object: JsonObject, definition: ResourceDefinition): void {
  const expected = apiVersionOf(definition)
  const apiVersion = asText(object['apiVersion'] ?? expected)
  const kind = asText(object['kind'] ?? definition.kind)
  if (kind !== definition.kind) {
    throw badRequest(
      `${kind} in version "${versionOf(apiVersion)}" cannot be handled as a ${definition.kind}: no kind "${kind}" is registered for this resource`,
    )
  }
  if (apiVersion !== expected) {
    throw badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${expected})`,
    )
  }
  object['apiVersion'] = expected
  object['kind'] = definition.kind
}

function versionOf(apiVersion: string): string {
  return apiVersion.slice(apiVersion.lastIndexOf('/') + 1)
}

function cannotBeHandled(definition: ResourceDefinition): string {
  return `${definition.kind} in version "${definition.version}" cannot be handled as a ${definition.kind}`
}

/** One pass over an object along its type. */
class Walk {
  readonly unknown: string[] = []
  readonly #definition: ResourceDefinition

  /** Custom resources tell a wrong type by validation, not by decoding. */
  readonly #isStrict: boolean

  constructor(definition: ResourceDefinition, isStrict: boolean) {
    this.#definition = definition
    this.#isStrict = isStrict
  }

  /**
   * @param path - with list indexes, for unknown fields
   * @param goPath - without them, as Go's JSON errors have it
   */
  value(value: unknown, type: FieldType, path: string, goPath: string, struct = ''): void {
    switch (type.kind) {
      case 'object':
        if (!isObject(value)) {
          this.#mismatch(value, struct, goPath, `v1.${type.name}`)
          return
        }
        for (const [field, item] of Object.entries(value)) {
          const childPath = path === '' ? field : `${path}.${field}`
          const fieldType = type.fields.get(field)
          if (fieldType === undefined) {
            if (type.open) continue
            this.unknown.push(childPath)
            Reflect.deleteProperty(value, field)
          } else if (item === null) {
            if (this.#isStrict) Reflect.deleteProperty(value, field)
          } else {
            const childGoPath = goPath === '' ? field : `${goPath}.${field}`
            this.value(item, fieldType, childPath, childGoPath, type.name)
          }
        }
        return
      case 'map':
        if (!isObject(value)) {
          this.#mismatch(value, struct, goPath, `map[string]${goName(type.values)}`)
          return
        }
        for (const [key, item] of Object.entries(value)) {
          if (item === null) value[key] = type.values.kind === 'scalar' ? zeroOf(type.values) : {}
          else this.value(item, type.values, `${path}.${key}`, goPath, struct)
        }
        return
      case 'list':
        if (!isArray(value)) {
          this.#mismatch(value, struct, goPath, `[]${goName(type.items)}`)
          return
        }
        value.forEach((item, index) => {
          if (item === null && type.items.kind !== 'scalar') value[index] = {}
          else this.value(item, type.items, `${path}[${index}]`, goPath, struct)
        })
        return
      case 'scalar':
        if (!fits(value, type.name)) this.#mismatch(value, struct, goPath, goName(type))
    }
  }

  #mismatch(value: unknown, struct: string, goPath: string, goType: string): void {
    if (!this.#isStrict) return
    const literal =
      typeof value === 'number' && !Number.isInteger(value) ? `number ${value}` : jsonKind(value)
    const where = goPath === '' ? 'Go value' : `Go struct field ${struct}.${goPath}`
    throw badRequest(
      `${cannotBeHandled(this.#definition)}: json: cannot unmarshal ${literal} into ${where} of type ${goType}`,
    )
  }
}

function fits(value: unknown, name: string): boolean {
  switch (name) {
    case 'string':
    case 'bytes':
    case 'time':
      return typeof value === 'string'
    case 'bool':
      return typeof value === 'boolean'
    case 'int32':
      return Number.isInteger(value) && Math.abs(Number(value)) <= 2 ** 31
    case 'int64':
      return Number.isInteger(value)
    case 'double':
      return typeof value === 'number'
    case 'quantity':
      return typeof value === 'string' || typeof value === 'number'
    case 'intOrString':
      return typeof value === 'string' || Number.isInteger(value)
    default:
      return true
  }
}

function goName(type: FieldType): string {
  if (type.kind === 'list') return `[]${goName(type.items)}`
  if (type.kind === 'map') return `map[string]${goName(type.values)}`
  if (type.kind === 'object') return `v1.${type.name}`
  const names: Readonly<Record<string, string>> = {
    double: 'float64',
    time: 'v1.Time',
    quantity: 'resource.Quantity',
    intOrString: 'intstr.IntOrString',
    bytes: '[]uint8',
  }
  return names[type.name] ?? type.name
}

function zeroOf(type: FieldType & { readonly kind: 'scalar' }): unknown {
  if (type.name === 'bool') return false
  return /^(int|double)/.test(type.name) && type.name !== 'intOrString' ? 0 : ''
}
