import { badRequest } from '../api-errors.ts'
import { clone, equal, getOwn, isArray, isObject, setOwn } from '../json.ts'
import type { JsonObject } from '../json.ts'
import type { FieldType, ListType } from '../schema.ts'
import { orderElements } from './element-order.ts'

const directive = '$patch'
const retainKeys = '$retainKeys'
const elementOrder = '$setElementOrder/'
const deleteFromList = '$deleteFromPrimitiveList/'

/**
 * Applies a strategic merge patch: lists with a merge key merge by it, `$patch`, `$retainKeys`, `$setElementOrder/…`
 * and `$deleteFromPrimitiveList/…` are obeyed. Changes and returns `original`.
 * @throws ApiError 400 when a directive is wrong
 */
export function applyStrategicMergePatch(
  original: JsonObject,
  patch: JsonObject,
  type: FieldType | undefined,
): JsonObject {
  const marker = patch[directive]
  if (marker !== undefined) return handleMarker(marker, patch)
  obeyRetainKeys(original, patch)
  const rest = { ...patch }
  Reflect.deleteProperty(rest, retainKeys)
  obeyElementOrders(original, rest, type)
  for (const [key, value] of Object.entries(rest)) {
    if (key.startsWith(deleteFromList)) {
      deleteItems(original, key.slice(deleteFromList.length), value)
    } else if (value === null) Reflect.deleteProperty(original, key)
    else mergeField(original, key, value, fieldOf(type, key))
  }
  return original
}

function mergeField(
  original: JsonObject,
  key: string,
  value: unknown,
  type: FieldType | undefined,
): void {
  const current = getOwn(original, key)
  if (isObject(current) && isObject(value)) {
    setOwn(original, key, applyStrategicMergePatch(current, value, type))
  } else if (isArray(current) && isArray(value)) {
    setOwn(original, key, mergeList(current, value, type))
  } else {
    const plain = withoutDirectives(value)
    if (plain === undefined) Reflect.deleteProperty(original, key)
    else setOwn(original, key, plain)
  }
}

function mergeList(
  original: readonly unknown[],
  patch: readonly unknown[],
  type: FieldType | undefined,
): unknown[] {
  if (type?.kind !== 'list' || type.mergeKey === undefined) return patch.map(clone)
  if (type.mergeKey === '') {
    const merged = [...original]
    for (const item of patch) if (!merged.some((known) => equal(known, item))) merged.push(item)
    return orderElements(merged, patch, original, '')
  }
  const { kept, added } = obeyItemDirectives(original, patch, type.mergeKey)
  return mergeItems(kept, added, type, type.mergeKey)
}

function mergeItems(
  original: readonly unknown[],
  patch: readonly unknown[],
  type: ListType,
  mergeKey: string,
): unknown[] {
  const merged: unknown[] = original.map(clone)
  for (const item of patch) {
    const key = keyOf(item, mergeKey)
    const at = merged.findIndex((known) => isObject(known) && equal(known[mergeKey], key))
    const current = merged[at]
    if (isObject(current) && isObject(item)) {
      merged[at] = applyStrategicMergePatch(current, item, type.items)
    } else merged.push(withoutDirectives(item))
  }
  return orderElements(merged, patch, original, mergeKey)
}

/** Items marked `$patch: delete` go; one marked `$patch: replace` makes the patch the whole list. */
function obeyItemDirectives(
  original: readonly unknown[],
  patch: readonly unknown[],
  mergeKey: string,
): { readonly kept: readonly unknown[]; readonly added: readonly unknown[] } {
  let kept = original
  let isReplacement = false
  const added: unknown[] = []
  for (const item of patch) {
    const marker = isObject(item) ? item[directive] : undefined
    if (marker === undefined) added.push(item)
    else if (marker === 'replace') isReplacement = true
    else if (marker === 'delete') {
      const key = keyOf(item, mergeKey)
      kept = kept.filter((known) => !isObject(known) || !equal(known[mergeKey], key))
    } else throw unknownMarker(marker)
  }
  return isReplacement ? { kept: added, added: [] } : { kept, added }
}

function obeyElementOrders(
  original: JsonObject,
  patch: JsonObject,
  type: FieldType | undefined,
): void {
  for (const [key, order] of Object.entries(patch)) {
    if (!key.startsWith(elementOrder)) continue
    Reflect.deleteProperty(patch, key)
    const field = key.slice(elementOrder.length)
    if (!isArray(order)) throw badRequest(`${key} must be a list`)
    const fieldType = fieldOf(type, field)
    const mergeKey = fieldType?.kind === 'list' ? fieldType.mergeKey : undefined
    const current = original[field]
    const changes = patch[field]
    if (isArray(changes)) checkOrder(changes, order, mergeKey ?? '', field)
    const before = isArray(current) ? [...current] : []
    if (field in patch) {
      if (changes === null) continue
      mergeField(original, field, changes, fieldType)
      Reflect.deleteProperty(patch, field)
    }
    const merged = original[field]
    if (isArray(merged)) original[field] = orderElements(merged, order, before, mergeKey ?? '')
  }
}

/** Every item of the patch must be in the order list, in the same order. */
function checkOrder(
  changes: readonly unknown[],
  order: readonly unknown[],
  mergeKey: string,
  field: string,
): void {
  const identity = (item: unknown) => (mergeKey !== '' && isObject(item) ? item[mergeKey] : item)
  let at = 0
  for (const item of changes) {
    if (isObject(item) && item[directive] !== undefined) continue
    const key = identity(item)
    while (at < order.length && !equal(identity(order[at]), key)) at += 1
    if (at === order.length) {
      throw badRequest(
        `The order in patch list:\n${JSON.stringify(changes)}\n doesn't match $setElementOrder list:\n${JSON.stringify(order)}\nof ${field}`,
      )
    }
    at += 1
  }
}

function obeyRetainKeys(original: JsonObject, patch: JsonObject): void {
  const retained = patch[retainKeys]
  if (retained === undefined) return
  if (!isArray(retained)) throw badRequest('invalid patch format of retainKeys')
  for (const [key, value] of Object.entries(patch)) {
    if (key === retainKeys || value === null || key.startsWith('$')) continue
    if (!retained.includes(key)) throw badRequest('invalid patch format of retainKeys')
  }
  for (const key of Object.keys(original)) {
    if (!retained.includes(key)) Reflect.deleteProperty(original, key)
  }
}

function deleteItems(original: JsonObject, field: string, items: unknown): void {
  const current = original[field]
  if (!isArray(current) || !isArray(items)) return
  original[field] = current.filter((item) => !items.some((gone) => equal(item, gone)))
}

function handleMarker(marker: unknown, patch: JsonObject): JsonObject {
  if (marker === 'delete') return {}
  if (marker !== 'replace' && marker !== 'merge') throw unknownMarker(marker)
  const rest = clone(patch)
  Reflect.deleteProperty(rest, directive)
  return rest
}

/** The value without directives and nulls, as it is stored where nothing was before; undefined when it is one. */
function withoutDirectives(value: unknown): unknown {
  if (isArray(value)) return value.map(withoutDirectives).filter((item) => item !== undefined)
  if (!isObject(value)) return value
  if (value[directive] === 'delete') return undefined
  const plain: JsonObject = {}
  for (const [key, item] of Object.entries(value)) {
    if (item === null || key === directive || key === retainKeys) continue
    if (key.startsWith(elementOrder) || key.startsWith(deleteFromList)) continue
    const kept = withoutDirectives(item)
    if (kept !== undefined) setOwn(plain, key, kept)
  }
  return plain
}

function fieldOf(type: FieldType | undefined, key: string): FieldType | undefined {
  if (type?.kind === 'object') return type.fields.get(key)
  return type?.kind === 'map' ? type.values : undefined
}

function keyOf(item: unknown, mergeKey: string): unknown {
  const key = isObject(item) ? item[mergeKey] : undefined
  if (key === undefined) {
    throw badRequest(
      `map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`,
    )
  }
  return key
}

function unknownMarker(marker: unknown): Error {
  return badRequest(`unknown patch type: ${JSON.stringify(marker)}`)
}
