/** JSON values as this server handles them: plain data without functions or undefined where it matters. */

export type JsonObject = Record<string, unknown>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isArray(value: unknown): value is unknown[] {
  return Array.isArray(value)
}

/** A deep copy; shares nothing with the original. */
export function clone<T>(value: T): T {
  if (Array.isArray(value)) return value.map((item: unknown) => clone(item)) as T
  if (typeof value !== 'object' || value === null) return value
  const copy: JsonObject = {}
  for (const [key, item] of Object.entries(value)) {
    if (item !== undefined) setOwn(copy, key, clone(item as unknown))
  }
  return copy as T
}

/** A value within a message: text as it is, anything else as JSON, nothing as ''. */
export function asText(value: unknown): string {
  if (typeof value === 'string') return value
  return value === undefined || value === null ? '' : JSON.stringify(value)
}

/** Equality of JSON: key order does not count, absent and undefined are the same. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (Array.isArray(a)) {
    return (
      Array.isArray(b) && a.length === b.length && a.every((item, index) => equal(item, b[index]))
    )
  }
  if (!isObject(a) || !isObject(b)) return false
  for (const key of Object.keys(a)) if (!equal(a[key], b[key])) return false
  for (const key of Object.keys(b)) if (b[key] !== undefined && a[key] === undefined) return false
  return true
}

/** A field of the object itself: `__proto__` and `constructor` are names like any other. */
export function getOwn(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

/** Sets a field even when it is called `__proto__`, which must never reach an object's prototype. */
export function setOwn(object: JsonObject, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, {
      value,
      enumerable: true,
      writable: true,
      configurable: true,
    })
  } else object[key] = value
}

/** The value at a path of field names; undefined where the path leads nowhere. */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  let found = value
  for (const step of path) found = isObject(found) ? found[step] : undefined
  return found
}

/** Sets the value at a path, making objects on the way; undefined deletes. */
export function setAt(object: JsonObject, path: readonly string[], value: unknown): void {
  const last = path.at(-1)
  if (last === undefined) return
  let holder = object
  for (const step of path.slice(0, -1)) {
    const next = holder[step]
    if (isObject(next)) holder = next
    else {
      const made: JsonObject = {}
      setOwn(holder, step, made)
      holder = made
    }
  }
  if (value === undefined) Reflect.deleteProperty(holder, last)
  else setOwn(holder, last, value)
}
