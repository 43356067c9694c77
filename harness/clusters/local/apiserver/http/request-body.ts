import type { IncomingMessage } from 'node:http'
import { badRequest, tooLarge, unsupportedMediaType } from '../api-errors.ts'
import { isObject } from '../json.ts'
import type { JsonObject } from '../json.ts'
import { parseMediaType } from './media-type.ts'
import { duplicateFields } from './duplicate-fields.ts'
import type { Schema } from '../schema.ts'

/** The largest body the real API server takes. */
const maxBodyBytes = 3 * 1024 * 1024

/** A decoded body and what strict decoding has to say of it. */
export interface DecodedBody {
  readonly value: JsonObject
  /** e.g. `duplicate field "spec.replicas"` */
  readonly duplicates: readonly string[]
}

/** @throws ApiError 413 past 3 MiB, 400 when the client went away in the middle */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const announced = Number(request.headers['content-length'] ?? '0')
  if (announced > maxBodyBytes) throw tooLarge(`limit is ${maxBodyBytes}`)
  const chunks: Buffer[] = []
  let sizeBytes = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length
      if (sizeBytes > maxBodyBytes) break
      chunks.push(chunk)
    }
  } catch (error) {
    throw badRequest(`the request body could not be read: ${String(error)}`)
  }
  if (sizeBytes > maxBodyBytes) throw tooLarge(`limit is ${maxBodyBytes}`)
  return Buffer.concat(chunks)
}

/**
 * Decodes an object sent as JSON, YAML or protobuf.
 * @param schema - what protobuf is read by
 * @throws ApiError 415 for other types, 400 when it does not parse or is no object
 */
export async function decodeBody(
  body: Buffer,
  contentType: string | undefined,
  schema: Schema,
): Promise<DecodedBody> {
  const { type } = parseMediaType(contentType ?? '')
  switch (type) {
    case '':
    case 'application/json':
      return decodeJson(body.toString('utf8'))
    case 'application/yaml':
      return await decodeYaml(body.toString('utf8'))
    case 'application/vnd.kubernetes.protobuf': {
      const { decodeProtobuf } = await import('../protobuf/decode.ts')
      return { value: decodeProtobuf(body, schema), duplicates: [] }
    }
    default:
      throw unsupportedMediaType([
        'application/json',
        'application/yaml',
        'application/vnd.kubernetes.protobuf',
      ])
  }
}

/** @throws ApiError 400 */
export function decodeJson(text: string): DecodedBody {
  const value = parseJson(text)
  if (!isObject(value)) {
    throw badRequest(
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonKind(value)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
    )
  }
  return { value, duplicates: duplicateFields(text) }
}

/** @throws ApiError 400 */
export async function decodeYaml(text: string): Promise<DecodedBody> {
  const { parseDocument } = await import('yaml')
  const document = parseDocument(text, { uniqueKeys: false, merge: true })
  const [problem] = document.errors
  if (problem !== undefined) {
    throw badRequest(`error decoding YAML: yaml: ${problem.message.split('\n')[0] ?? ''}`)
  }
  const value: unknown = document.toJS({ maxAliasCount: 100 })
  if (!isObject(value)) throw badRequest('error decoding YAML: the document is not an object')
  return { value, duplicates: [] }
}

/** @throws ApiError 400 with what is wrong and where */
export function parseJson(text: string): unknown {
  if (text.trim() === '')
    throw badRequest("couldn't get version/kind; json parse error: unexpected end of JSON input")
  try {
    return JSON.parse(text)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw badRequest(`couldn't get version/kind; json parse error: ${why}`)
  }
}

/** The word that Go's JSON errors use. */
export function jsonKind(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value === 'boolean' ? 'bool' : typeof value
}
