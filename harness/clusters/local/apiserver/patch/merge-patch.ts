import { clone, getOwn, isObject, setOwn } from '../json.ts'
import type { JsonObject } from '../json.ts'

/** Applies a JSON merge patch (RFC 7396): null deletes, objects merge, anything else replaces. Changes `target`. */
export function applyMergePatch(target: JsonObject, patch: JsonObject): JsonObject {
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(target, key)
    else if (isObject(value)) {
      const current = getOwn(target, key)
      setOwn(target, key, applyMergePatch(isObject(current) ? current : {}, value))
    } else setOwn(target, key, clone(value))
  }
  return target
}
