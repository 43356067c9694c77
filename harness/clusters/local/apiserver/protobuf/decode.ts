import { badRequest } from '../api-errors.ts'
import { isArray, isObject, setOwn } from '../json.ts'
import type { JsonObject } from '../json.ts'
import type { FieldType, ObjectType, Schema } from '../schema.ts'
import { fieldNumbers } from './field-numbers.ts'
import { bytesAt, malformed, wireFields } from './wire.ts'

/** What Kubernetes puts before every protobuf body. */
const magic = Buffer.from('k8s\0', 'latin1')

/**
 * Decodes the body that typed clients of client-go send by default (`application/vnd.kubernetes.protobuf`). Answers
 * are always JSON, which those clients accept as well.
 * @throws ApiError 400 when it is malformed, 415-like 400 when the kind has no known message
 */
export function decodeProtobuf(body: Buffer, schema: Schema): JsonObject {
  if (!body.subarray(0, magic.length).equals(magic)) {
    throw badRequest(
      'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]',
    )
  }
  const envelope = body.subarray(magic.length)
  const typeMeta = bytesAt(envelope, 1) ?? Buffer.alloc(0)
  const apiVersion = bytesAt(typeMeta, 1)?.toString('utf8') ?? ''
  const kind = bytesAt(typeMeta, 2)?.toString('utf8') ?? ''
  const type = schema.typeOf(apiVersion, kind)
  if (type === undefined) {
    throw badRequest(
      `no kind "${kind}" is registered for version "${apiVersion}" in protobuf; send JSON`,
    )
  }
  return { apiVersion, kind, ...message(bytesAt(envelope, 2) ?? Buffer.alloc(0), type, type.name) }
}

/** @param messageName - differs from the type's for a message whose fields belong to the type around it */
function message(bytes: Buffer, type: ObjectType, messageName: string): JsonObject {
  const names = fieldNumbers[messageName]?.split(' ') ?? []
  const object: JsonObject = {}
  for (const field of wireFields(bytes)) {
    const name = names[field.number - 1]
    if (name === undefined || name === '-') continue
    if (name.startsWith('~')) {
      if (Buffer.isBuffer(field.value))
        Object.assign(object, message(field.value, type, name.slice(1)))
      continue
    }
    const isOptional = name.startsWith('*')
    const jsonName = isOptional ? name.slice(1) : name
    const fieldType = type.fields.get(jsonName)
    if (fieldType !== undefined) put(object, jsonName, field.value, fieldType, isOptional)
  }
  return object
}

function put(
  object: JsonObject,
  name: string,
  wire: bigint | Buffer,
  type: FieldType,
  isOptional: boolean,
): void {
  if (type.kind === 'list') {
    const list = isArray(object[name]) ? object[name] : []
    object[name] = [...list, single(wire, type.items)]
  } else if (type.kind === 'map') {
    const map = isObject(object[name]) ? object[name] : {}
    const entry = Buffer.isBuffer(wire) ? wire : Buffer.alloc(0)
    const key = bytesAt(entry, 1)?.toString('utf8') ?? ''
    setOwn(map, key, single(bytesAt(entry, 2) ?? Buffer.alloc(0), type.values))
    object[name] = map
  } else {
    const value = single(wire, type)
    // why: Go writes every field that is no pointer, with its zero value when it was not set
    if (isOptional || !isZero(value)) setOwn(object, name, value)
  }
}

function single(wire: bigint | Buffer, type: FieldType): unknown {
  if (type.kind === 'object') {
    if (!Buffer.isBuffer(wire)) throw malformed()
    return message(wire, type, type.name)
  }
  if (type.kind !== 'scalar') throw malformed()
  if (!Buffer.isBuffer(wire)) {
    return type.name === 'bool' ? wire !== 0n : Number(BigInt.asIntN(64, wire))
  }
  switch (type.name) {
    case 'bytes':
      return wire.toString('base64')
    case 'double':
      return wire.readDoubleLE(0)
    case 'quantity':
      return bytesAt(wire, 1)?.toString('utf8') ?? ''
    case 'time':
      return time(wire)
    case 'intOrString':
      return intOrString(wire)
    case 'any':
      return rawJson(wire)
    default:
      return wire.toString('utf8')
  }
}

function time(bytes: Buffer): string | undefined {
  let seconds: number | undefined
  let nanos = 0
  for (const field of wireFields(bytes)) {
    if (typeof field.value !== 'bigint') continue
    if (field.number === 1) seconds = Number(BigInt.asIntN(64, field.value))
    if (field.number === 2) nanos = Number(field.value)
  }
  if (seconds === undefined) return undefined
  const text = new Date(seconds * 1_000).toISOString().replace(/\.\d+Z$/, '')
  return nanos === 0 ? `${text}Z` : `${text}.${String(Math.trunc(nanos / 1_000)).padStart(6, '0')}Z`
}

function intOrString(bytes: Buffer): string | number {
  let isText = false
  let number = 0
  let text = ''
  for (const { number: field, value } of wireFields(bytes)) {
    if (field === 1) isText = value === 1n
    else if (field === 2 && typeof value === 'bigint') number = Number(BigInt.asIntN(64, value))
    else if (field === 3 && Buffer.isBuffer(value)) text = value.toString('utf8')
  }
  return isText ? text : number
}

/** A RawExtension or FieldsV1: JSON in its first field. */
function rawJson(bytes: Buffer): unknown {
  try {
    return JSON.parse((bytesAt(bytes, 1) ?? Buffer.alloc(0)).toString('utf8')) as unknown
  } catch {
    return undefined
  }
}

function isZero(value: unknown): boolean {
  return value === undefined || value === '' || value === 0 || value === false
}
