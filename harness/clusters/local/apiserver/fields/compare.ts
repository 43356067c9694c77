import { equal, isArray, isObject } from '../json.ts'
import type { FieldType } from '../schema.ts'
import { FieldSet } from './field-set.ts'
import { itemsByStep, shapeOf } from './shape.ts'

/** What differs between two values: paths of leaves, and of objects and items that came or went. */
export interface Comparison {
  readonly added: FieldSet
  readonly modified: FieldSet
  readonly removed: FieldSet
}

/** Compares two values of one type, as their owners see it. Undefined stands for an absent value. */
export function compare(before: unknown, after: unknown, type: FieldType | undefined): Comparison {
  const comparison = { added: new FieldSet(), modified: new FieldSet(), removed: new FieldSet() }
  walk(before, after, type, [], comparison)
  return comparison
}

function walk(
  before: unknown,
  after: unknown,
  type: FieldType | undefined,
  path: readonly string[],
  comparison: Comparison,
): void {
  if (before === undefined && after === undefined) return
  // why: the same stored part in both is by far the most frequent case
  if (before === after) return
  const shape = shapeOf(type, after ?? before)
  const isLeaf = shape.kind === 'leaf' || (isEmpty(before) && isEmpty(after))
  if (isLeaf || !isSameKind(before, after)) {
    if (before === undefined) comparison.added.insert(path)
    else if (after === undefined) comparison.removed.insert(path)
    else if (!equal(before, after)) comparison.modified.insert(path)
    return
  }
  if (shape.kind === 'list') {
    const olds = itemsByStep(shape.list, isArray(before) ? before : [])
    const news = itemsByStep(shape.list, isArray(after) ? after : [])
    for (const step of new Set([...olds.keys(), ...news.keys()])) {
      walk(olds.get(step), news.get(step), shape.list.items, [...path, step], comparison)
    }
  } else {
    const [olds, news] = [isObject(before) ? before : {}, isObject(after) ? after : {}]
    for (const field of new Set([...Object.keys(olds), ...Object.keys(news)])) {
      const step = `f:${field}`
      walk(olds[field], news[field], shape.typeOf(field), [...path, step], comparison)
    }
  }
  // why: metadata, spec and status themselves belong to nobody, as in the real server
  if (path.length <= 1) return
  if (before === undefined) comparison.added.insert(path)
  else if (after === undefined) comparison.removed.insert(path)
}

function isEmpty(value: unknown): boolean {
  if (isArray(value)) return value.length === 0
  return value === undefined || (isObject(value) && Object.keys(value).length === 0)
}

function isSameKind(before: unknown, after: unknown): boolean {
  if (before === undefined || after === undefined) return true
  return isArray(before) === isArray(after) && isObject(before) === isObject(after)
}
