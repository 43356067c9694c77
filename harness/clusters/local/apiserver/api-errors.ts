import type { ResourceType } from '../../../model/kubernetes.ts'
import { ApiError } from './resource-definition.ts'
import type { FieldError } from './resource-definition.ts'

/** One reason of a failure, as `details.causes` lists them. */
export interface StatusCause {
  readonly reason?: string
  readonly message?: string
  readonly field?: string
}

type Resource = Pick<ResourceType, 'group' | 'plural'>

/** `pods`, or `deployments.apps` outside the core group. */
export function qualifiedResource(type: Resource): string {
  return type.group === '' ? type.plural : `${type.plural}.${type.group}`
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, 'BadRequest', message)
}

export function notFound(type: Resource, name: string): ApiError {
  return new ApiError(
    404,
    'NotFound',
    `${qualifiedResource(type)} "${name}" not found`,
    about(type, name),
  )
}

/** For paths that lead nowhere; kubectl shows its own words for it. */
export function noSuchResource(): ApiError {
  return new ApiError(404, 'NotFound', 'the server could not find the requested resource', {})
}

export function alreadyExists(type: Resource, name: string): ApiError {
  return new ApiError(
    409,
    'AlreadyExists',
    `${qualifiedResource(type)} "${name}" already exists`,
    about(type, name),
  )
}

export function conflict(type: Resource, name: string, why: string): ApiError {
  return new ApiError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualifiedResource(type)} "${name}": ${why}`,
    about(type, name),
  )
}

export function forbidden(
  type: Resource,
  name: string,
  why: string,
  causes: readonly StatusCause[] = [],
): ApiError {
  const subject = name === '' ? qualifiedResource(type) : `${qualifiedResource(type)} "${name}"`
  return new ApiError(403, 'Forbidden', `${subject} is forbidden: ${why}`, {
    ...about(type, name),
    ...(causes.length > 0 && { causes }),
  })
}

export function notAcceptable(supported: readonly string[]): ApiError {
  return new ApiError(
    406,
    'NotAcceptable',
    `only the following media types are accepted: ${supported.join(', ')}`,
  )
}

export function unsupportedMediaType(supported: readonly string[]): ApiError {
  return new ApiError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${supported.join(', ')}`,
  )
}

/** @param message - e.g. `too old resource version: 3 (7)` */
export function expired(message: string): ApiError {
  return new ApiError(410, 'Expired', message)
}

export function tooLarge(message: string): ApiError {
  return new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: ${message}`)
}

export function tooLargeResourceVersion(wanted: number, current: number): ApiError {
  return new ApiError(
    504,
    'Timeout',
    `Timeout: Too large resource version: ${wanted}, current: ${current}`,
    {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
  )
}

export function tooManyRequests(message: string, retryAfterSeconds: number): ApiError {
  return new ApiError(429, 'TooManyRequests', message, { retryAfterSeconds })
}

export function internalError(message: string): ApiError {
  return new ApiError(500, 'InternalError', `Internal error occurred: ${message}`, {
    causes: [{ message }],
  })
}

/** @param kind - with its group, as in `Deployment.apps`, is what the message names */
export function invalid(
  kind: { readonly group: string; readonly kind: string },
  name: string,
  errors: readonly FieldError[],
): ApiError {
  const qualified = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`
  const texts = [...new Set(errors.map((error) => `${error.field}: ${errorBody(error)}`))]
  const joined = texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`
  return new ApiError(422, 'Invalid', `${qualified} "${name}" is invalid: ${joined}`, {
    name,
    ...(kind.group !== '' && { group: kind.group }),
    kind: kind.kind,
    causes: errors.map((error) => ({
      reason: error.type,
      message: errorBody(error),
      field: error.field,
    })),
  })
}

const titles: Readonly<Record<FieldError['type'], string>> = {
  FieldValueRequired: 'Required value',
  FieldValueInvalid: 'Invalid value',
  FieldValueTypeInvalid: 'Invalid value',
  FieldValueDuplicate: 'Duplicate value',
  FieldValueNotSupported: 'Unsupported value',
  FieldValueForbidden: 'Forbidden',
  FieldValueNotFound: 'Not found',
  FieldValueTooLong: 'Too long',
  FieldValueTooMany: 'Too many',
}

const withoutValue: ReadonlySet<FieldError['type']> = new Set([
  'FieldValueRequired',
  'FieldValueForbidden',
  'FieldValueTooLong',
])

function errorBody(error: FieldError): string {
  const title = titles[error.type]
  const shown =
    withoutValue.has(error.type) || error.value === undefined
      ? title
      : `${title}: ${JSON.stringify(error.value)}`
  return error.detail === '' ? shown : `${shown}: ${error.detail}`
}

function about(type: Resource, name: string): Record<string, unknown> {
  return {
    ...(name !== '' && { name }),
    ...(type.group !== '' && { group: type.group }),
    kind: type.plural,
  }
}
