import { clone, getOwn, isArray, isObject, setOwn } from '../json.ts'
import type { JsonObject } from '../json.ts'
import type { FieldType, ListType } from '../schema.ts'
import type { FieldSet } from './field-set.ts'
import { itemsByStep, shapeOf } from './shape.ts'

/** What is live with an applied configuration on top: what the configuration says wins, what it does not stays. */
export function mergeApplied(
  live: unknown,
  applied: unknown,
  type: FieldType | undefined,
): unknown {
  if (applied === undefined) return clone(live)
  const shape = shapeOf(type, applied)
  if (shape.kind === 'leaf' || live === undefined || live === null) return clone(applied)
  if (shape.kind === 'list') return isArray(live) ? mergeLists(live, applied, shape.list) : applied
  if (!isObject(live) || !isObject(applied)) return clone(applied)
  const merged: JsonObject = {}
  for (const field of new Set([...Object.keys(live), ...Object.keys(applied)])) {
    const value = mergeApplied(getOwn(live, field), getOwn(applied, field), shape.typeOf(field))
    if (value !== undefined) setOwn(merged, field, value)
  }
  return merged
}

/** Applied items in their order; items that only exist live keep their place among those they follow. */
function mergeLists(live: readonly unknown[], applied: unknown, list: ListType): unknown[] {
  const olds = itemsByStep(list, live)
  const news = itemsByStep(list, isArray(applied) ? applied : [])
  const order: string[] = [...news.keys()]
  let after = -1
  for (const step of olds.keys()) {
    const at = order.indexOf(step)
    if (at === -1) {
      after += 1
      order.splice(after, 0, step)
    } else after = Math.max(after, at)
  }
  return order.map((step) => mergeApplied(olds.get(step), news.get(step), list.items))
}

/** A copy without the fields and items of a set; what becomes empty by that goes as well. */
export function removeFields(
  value: unknown,
  fields: FieldSet,
  type: FieldType | undefined,
): unknown {
  if (fields.isEmpty) return value
  const shape = shapeOf(type, value)
  if (shape.kind === 'leaf') return value
  if (shape.kind === 'list') {
    if (!isArray(value)) return value
    const kept: unknown[] = []
    for (const [step, item] of itemsByStep(shape.list, value)) {
      if (fields.has(step)) continue
      kept.push(removeFields(item, fields.below(step), shape.list.items))
    }
    return kept.length > 0 || value.length === 0 ? kept : undefined
  }
  if (!isObject(value)) return value
  const kept: JsonObject = {}
  for (const [field, item] of Object.entries(value)) {
    const step = `f:${field}`
    if (fields.has(step)) continue
    const rest = removeFields(item, fields.below(step), shape.typeOf(field))
    if (rest !== undefined) setOwn(kept, field, rest)
  }
  return Object.keys(kept).length > 0 || Object.keys(value).length === 0 ? kept : undefined
}
