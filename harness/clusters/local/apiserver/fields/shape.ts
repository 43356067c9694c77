import { isArray, isObject } from '../json.ts'
import { anyType } from '../schema.ts'
import type { FieldType, ListType } from '../schema.ts'

/** How a value is owned, by its type and, where that says nothing, by what it is. */
export type Shape =
  | { readonly kind: 'leaf' }
  | {
      readonly kind: 'struct' | 'map'
      readonly typeOf: (field: string) => FieldType
      /** A struct's declared field; a map has none. */
      readonly isDeclared: (field: string) => boolean
    }
  | { readonly kind: 'list'; readonly list: ListType }

const leaf: Shape = { kind: 'leaf' }
const untypedMap: Shape = { kind: 'map', typeOf: () => anyType, isDeclared: () => false }

/** The shape of a value of a type; where two values are compared, either may be given. */
export function shapeOf(type: FieldType | undefined, value: unknown): Shape {
  switch (type?.kind) {
    case undefined:
      return isObject(value) ? untypedMap : leaf
    case 'scalar':
      return type.name === 'any' && isObject(value) ? untypedMap : leaf
    case 'list':
      return type.ownership === 'atomic' || !isArray(value) ? leaf : { kind: 'list', list: type }
    case 'map':
      if (type.atomic || !isObject(value)) return leaf
      return { kind: 'map', typeOf: () => type.values, isDeclared: () => false }
    case 'object':
      if (type.atomic || !isObject(value)) return leaf
      return {
        kind: 'struct',
        typeOf: (field) => type.fields.get(field) ?? anyType,
        isDeclared: (field) => type.fields.has(field),
      }
  }
}

/**
 * The step to an item of an associative list or a set.
 * @returns undefined when the item lacks a key that has no default
 */
export function itemStep(list: ListType, item: unknown): string | undefined {
  if (list.ownership === 'set') return `v:${JSON.stringify(item)}`
  if (!isObject(item)) return undefined
  const keys: [string, unknown][] = []
  for (const key of list.keys.toSorted()) {
    const value = item[key] ?? defaultOf(list, key)
    if (value === undefined || value === null) {
      // why: as in the real server, a list with several keys may leave some out
      if (list.keys.length === 1) return undefined
      continue
    }
    keys.push([key, value])
  }
  return keys.length === 0 ? undefined : `k:${JSON.stringify(Object.fromEntries(keys))}`
}

/** The items of a list by their steps, in order; an item without a step gets its index. */
export function itemsByStep(list: ListType, items: readonly unknown[]): Map<string, unknown> {
  const found = new Map<string, unknown>()
  items.forEach((item, index) => {
    found.set(itemStep(list, item) ?? `i:${index}`, item)
  })
  return found
}

function defaultOf(list: ListType, key: string): unknown {
  if (list.items.kind !== 'object') return undefined
  const type = list.items.fields.get(key)
  return type?.kind === 'scalar' ? type.default : undefined
}
