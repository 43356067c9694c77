import type { ServerResponse } from 'node:http'
import { ApiError } from '../resource-definition.ts'
import type { OutputFormat } from './media-type.ts'
import { internalError } from '../api-errors.ts'

/** The Status object that says a failure, as the real server words it. */
export function failureStatus(error: ApiError): Record<string, unknown> {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: error.metadata,
    status: 'Failure',
    message: error.message,
    ...(error.reason !== '' && { reason: error.reason }),
    ...(error.details !== undefined && { details: error.details }),
    code: error.code,
  }
}

/** What any thrown value is to a client. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  return internalError(error instanceof Error ? error.message : String(error))
}

/** Sends a whole answer. Warnings become `Warning: 299` headers, which kubectl prints. */
export async function sendObject(
  response: ServerResponse,
  code: number,
  object: unknown,
  format: Pick<OutputFormat, 'encoding' | 'isPretty'>,
  warnings: readonly string[] = [],
): Promise<void> {
  const body =
    format.encoding === 'yaml'
      ? await toYaml(object)
      : `${format.isPretty ? JSON.stringify(object, null, 2) : JSON.stringify(object)}\n`
  sendText(response, code, body, `application/${format.encoding}`, warnings)
}

export function sendText(
  response: ServerResponse,
  code: number,
  text: string,
  contentType: string,
  warnings: readonly string[] = [],
): void {
  if (response.headersSent || response.destroyed) return
  const body = Buffer.from(text, 'utf8')
  if (warnings.length > 0) response.setHeader('warning', warnings.map(warningHeader))
  response.writeHead(code, {
    'content-type': contentType,
    'content-length': body.length,
    'cache-control': 'no-cache, private',
  })
  response.end(body)
}

/** Sends a failure; after the head of another answer it can only cut the connection. */
export function sendFailure(response: ServerResponse, error: ApiError): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const retryAfter = error.details?.['retryAfterSeconds']
  if (typeof retryAfter === 'number') response.setHeader('retry-after', String(retryAfter))
  if (error.code === 401) response.setHeader('www-authenticate', 'Bearer realm="kubernetes"')
  // why: the rest of a body that nobody reads would be taken for the next request
  if (error.code === 413) response.setHeader('connection', 'close')
  sendText(response, error.code, `${JSON.stringify(failureStatus(error))}\n`, 'application/json')
}

function warningHeader(text: string): string {
  const quoted = text.replace(/[\\"]/g, '\\$&').replace(/[^\x20-\x7e]/g, '?')
  return `299 - "${quoted}"`
}

async function toYaml(object: unknown): Promise<string> {
  const { stringify } = await import('yaml')
  return stringify(object)
}
