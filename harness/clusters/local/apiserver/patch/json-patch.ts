import { badRequest } from '../api-errors.ts'
import { ApiError } from '../resource-definition.ts'
import { clone, equal, isArray, isObject, setOwn } from '../json.ts'
import type { JsonObject } from '../json.ts'

/** More operations than this are refused, as the real server does. */
const maxOperations = 10_000

/**
 * Applies a JSON Patch (RFC 6902) to a copy of the document.
 * @throws ApiError 400 when the patch is malformed, 422 when it cannot be applied
 */
export function applyJsonPatch(document: JsonObject, patch: unknown): JsonObject {
  if (!isArray(patch)) {
    throw badRequest('json: cannot unmarshal object into Go value of type jsonpatch.Patch')
  }
  if (patch.length > maxOperations) {
    throw badRequest(
      `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`,
    )
  }
  const holder: JsonObject = { root: clone(document) }
  for (const operation of patch) applyOperation(holder, operation)
  const { root } = holder
  if (!isObject(root)) throw unprocessable('the patch leaves no object')
  return root
}

function applyOperation(holder: JsonObject, operation: unknown): void {
  if (!isObject(operation)) throw badRequest('a JSON patch operation must be an object')
  const { op, path, from, value } = operation
  if (typeof path !== 'string') throw unprocessable('a JSON patch operation needs a path')
  const at = parsePointer(path)
  switch (op) {
    case 'add':
      add(holder, at, requireValue(operation, value), path)
      return
    case 'remove':
      remove(holder, at, path)
      return
    case 'replace':
      if (lookUp(holder, at) === undefined) {
        throw unprocessable(`replace operation does not apply: doc is missing key: ${path}`)
      }
      replace(holder, at, requireValue(operation, value))
      return
    case 'move':
    case 'copy': {
      const source = parsePointer(typeof from === 'string' ? from : '')
      const moved = lookUp(holder, source)
      if (moved === undefined) {
        throw unprocessable(
          `${op} operation does not apply: doc is missing from path: ${String(from)}`,
        )
      }
      if (op === 'move') remove(holder, source, String(from))
      add(holder, at, clone(moved), path)
      return
    }
    case 'test':
      if (!equal(lookUp(holder, at) ?? null, value ?? null)) {
        throw unprocessable(`testing value ${path} failed`)
      }
      return
    default:
      throw unprocessable(`Unexpected kind: ${String(op)}`)
  }
}

/** The document is kept in a holder under `root`, so that the whole of it can be replaced as well. */
function parsePointer(pointer: string): readonly string[] {
  if (pointer === '') return ['root']
  if (!pointer.startsWith('/')) {
    throw unprocessable(`path "${pointer}" is no JSON pointer: it must begin with "/"`)
  }
  const steps = pointer.slice(1).split('/')
  return ['root', ...steps.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))]
}

function lookUp(holder: JsonObject, path: readonly string[]): unknown {
  let found: unknown = holder
  for (const step of path) {
    if (isArray(found)) found = found[indexOf(step, found.length - 1) ?? -1]
    else found = isObject(found) && Object.hasOwn(found, step) ? found[step] : undefined
  }
  return found
}

function add(holder: JsonObject, path: readonly string[], value: unknown, shown: string): void {
  const [parent, last] = parentOf(holder, path, 'add', shown)
  if (isArray(parent)) {
    const index = last === '-' ? parent.length : indexOf(last, parent.length)
    if (index === undefined) {
      throw unprocessable(
        `add operation does not apply: doc is missing path: "${shown}": invalid index`,
      )
    }
    parent.splice(index, 0, value)
  } else setOwn(parent, last, value)
}

function replace(holder: JsonObject, path: readonly string[], value: unknown): void {
  const [parent, last] = parentOf(holder, path, 'replace', '')
  if (isArray(parent)) parent[Number(last)] = value
  else setOwn(parent, last, value)
}

function remove(holder: JsonObject, path: readonly string[], shown: string): void {
  const [parent, last] = parentOf(holder, path, 'remove', shown)
  if (isArray(parent)) {
    const index = indexOf(last, parent.length - 1)
    if (index === undefined) {
      throw unprocessable(
        `remove operation does not apply: doc is missing path: "${shown}": invalid index`,
      )
    }
    parent.splice(index, 1)
  } else if (Object.hasOwn(parent, last)) Reflect.deleteProperty(parent, last)
  else {
    throw unprocessable(
      `remove operation does not apply: doc is missing path: "${shown}": missing value`,
    )
  }
}

function parentOf(
  holder: JsonObject,
  path: readonly string[],
  operation: string,
  shown: string,
): readonly [JsonObject | unknown[], string] {
  const parent = lookUp(holder, path.slice(0, -1)) ?? (path.length === 1 ? holder : undefined)
  const last = path.at(-1) ?? ''
  if (isArray(parent) || isObject(parent)) return [parent, last]
  throw unprocessable(
    `${operation} operation does not apply: doc is missing path: "${shown}": missing value`,
  )
}

function indexOf(step: string, last: number): number | undefined {
  if (!/^(0|[1-9]\d*)$/.test(step)) return undefined
  const index = Number(step)
  return index <= last ? index : undefined
}

function requireValue(operation: JsonObject, value: unknown): unknown {
  if (!Object.hasOwn(operation, 'value')) {
    throw unprocessable(`${String(operation['op'])} operation needs a value`)
  }
  return clone(value)
}

function unprocessable(message: string): ApiError {
  return new ApiError(
    422,
    'Invalid',
    `the server rejected our request due to an error in our request: ${message}`,
    {},
  )
}
