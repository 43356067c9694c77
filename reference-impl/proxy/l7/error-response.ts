/** Short answers that the proxy gives itself; the body names the cause for the person who reads it. */
import type { Refusal } from '../../wire/http1-fields.ts'

export type OwnStatus = Refusal['status'] | 408 | 502 | 503 | 504

const reasons: Readonly<Record<OwnStatus, string>> = {
  400: 'Bad Request',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  414: 'URI Too Long',
  431: 'Request Header Fields Too Large',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
}

/** One whole response; `withBody` is false for HEAD. */
export function errorResponse(
  status: OwnStatus,
  cause: string,
  options: { readonly close: boolean; readonly withBody: boolean },
): Buffer {
  const body = `${status} ${reasons[status]}: ${cause}\n`
  const head = [
    `HTTP/1.1 ${status} ${reasons[status]}`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(status === 405 ? ['Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH'] : []),
    ...(options.close ? ['Connection: close'] : []),
    '\r\n',
  ].join('\r\n')
  return Buffer.from(options.withBody ? head + body : head)
}
