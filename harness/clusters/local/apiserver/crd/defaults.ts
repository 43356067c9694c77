import { clone, isArray, isObject, setOwn } from '../json.ts'
import type { JsonObject } from '../json.ts'

/** Fills in the defaults of an openAPIV3Schema, and removes nulls where null is not allowed but a default is. */
export function applySchemaDefaults(value: unknown, schema: JsonObject): void {
  if (isArray(value)) {
    const { items } = schema
    if (isObject(items)) for (const item of value) applySchemaDefaults(item, items)
    return
  }
  if (!isObject(value)) return
  const properties = isObject(schema['properties']) ? schema['properties'] : {}
  for (const [name, property] of Object.entries(properties)) {
    if (!isObject(property)) continue
    const isMissing =
      value[name] === undefined || (value[name] === null && property['nullable'] !== true)
    if (isMissing && 'default' in property) setOwn(value, name, clone(property['default']))
    if (value[name] !== undefined) applySchemaDefaults(value[name], property)
  }
  const { additionalProperties } = schema
  if (!isObject(additionalProperties)) return
  for (const [name, item] of Object.entries(value)) {
    if (!(name in properties)) applySchemaDefaults(item, additionalProperties)
  }
}
