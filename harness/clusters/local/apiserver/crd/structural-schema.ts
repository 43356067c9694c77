import { isArray, isObject } from '../json.ts'
import type { JsonObject } from '../json.ts'
import { anyType, objectMetaType } from '../schema.ts'
import type { FieldType, ObjectType } from '../schema.ts'

/**
 * The field types of a custom resource, from its openAPIV3Schema: what is pruned, and how lists and maps are owned.
 * @param schema - of the whole object
 */
export function customType(schema: JsonObject): ObjectType {
  const root = typeOf(schema)
  const declared = root.kind === 'object' ? root.fields : new Map<string, FieldType>()
  return {
    kind: 'object',
    name: 'CustomResource',
    atomic: false,
    retainKeys: false,
    open: root.kind !== 'object' || root.open,
    fields: new Map<string, FieldType>([
      ...declared,
      ['apiVersion', string],
      ['kind', string],
      ['metadata', objectMetaType],
    ]),
  }
}

const string: FieldType = { kind: 'scalar', name: 'string' }

function typeOf(schema: JsonObject): FieldType {
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] === true
  if (schema['x-kubernetes-int-or-string'] === true) return { kind: 'scalar', name: 'intOrString' }
  const isAtomic = schema['x-kubernetes-map-type'] === 'atomic'
  const { properties, additionalProperties, items, type } = schema
  if (schema['x-kubernetes-embedded-resource'] === true) {
    return object(properties, isOpen, isAtomic, [
      ['apiVersion', string],
      ['kind', string],
      ['metadata', objectMetaType],
    ])
  }
  if (isObject(properties)) return object(properties, isOpen, isAtomic)
  if (isObject(additionalProperties)) {
    return { kind: 'map', values: typeOf(additionalProperties), atomic: isAtomic }
  }
  if (additionalProperties === true) return { kind: 'map', values: anyType, atomic: isAtomic }
  if (type === 'object') return object(undefined, isOpen, isAtomic)
  if (type === 'array' || items !== undefined) return list(schema, items)
  if (isOpen || type === undefined) return anyType
  const names = { string: 'string', boolean: 'bool', integer: 'int64', number: 'double' } as const
  const name = typeof type === 'string' && type in names ? (type as keyof typeof names) : undefined
  return name === undefined
    ? anyType
    : {
        kind: 'scalar',
        name: names[name],
        ...('default' in schema && { default: schema['default'] }),
      }
}

function object(
  properties: unknown,
  open: boolean,
  atomic: boolean,
  more: readonly (readonly [string, FieldType])[] = [],
): ObjectType {
  const declared = isObject(properties) ? Object.entries(properties) : []
  const fields = new Map<string, FieldType>(more)
  for (const [name, property] of declared) {
    fields.set(name, isObject(property) ? typeOf(property) : anyType)
  }
  return { kind: 'object', name: 'object', atomic, retainKeys: false, open, fields }
}

function list(schema: JsonObject, items: unknown): FieldType {
  const keys = schema['x-kubernetes-list-map-keys']
  const ownership = schema['x-kubernetes-list-type']
  return {
    kind: 'list',
    items: isObject(items) ? typeOf(items) : anyType,
    ownership: ownership === 'map' || ownership === 'set' ? ownership : 'atomic',
    keys: isArray(keys) ? keys.map(String) : [],
    mergeKey: undefined,
    retainKeys: false,
  }
}
