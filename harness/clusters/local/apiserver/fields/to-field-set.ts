import { isArray, isObject } from '../json.ts'
import { badRequest } from '../api-errors.ts'
import type { FieldType } from '../schema.ts'
import { FieldSet, formatPath } from './field-set.ts'
import { itemStep, shapeOf } from './shape.ts'

/**
 * Every field that a configuration sets.
 * @throws ApiError 400 when an item of an associative list lacks its key, or two have the same
 */
export function toFieldSet(value: unknown, type: FieldType | undefined): FieldSet {
  const set = new FieldSet()
  walk(value, type, [], set)
  return set
}

function walk(
  value: unknown,
  type: FieldType | undefined,
  path: readonly string[],
  set: FieldSet,
): void {
  const shape = shapeOf(type, value)
  if (shape.kind === 'leaf') {
    set.insert(path)
    return
  }
  if (shape.kind === 'list') {
    const seen = new Set<string>()
    const items = isArray(value) ? value : []
    items.forEach((item, index) => {
      const step = itemStep(shape.list, item)
      if (step === undefined) {
        throw badRequest(
          `failed to create typed patch object: ${formatPath(path)}: element ${index}: associative list with keys has an element that omits key field "${shape.list.keys[0] ?? ''}" (and doesn't have default value)`,
        )
      }
      if (seen.has(step)) {
        throw badRequest(
          `failed to create typed patch object: ${formatPath(path)}: duplicate entries for key ${formatPath([step])}`,
        )
      }
      seen.add(step)
      const itemPath = [...path, step]
      walk(item, shape.list.items, itemPath, set)
      set.insert(itemPath)
    })
    return
  }
  for (const [field, item] of Object.entries(isObject(value) ? value : {})) {
    const fieldPath = [...path, `f:${field}`]
    walk(item, shape.typeOf(field), fieldPath, set)
    const isEmpty = item === null || (isObject(item) && Object.keys(item).length === 0)
    if (isEmpty || !shape.isDeclared(field)) set.insert(fieldPath)
  }
}
