/** A request as it is told; nothing is repaired. */
export interface RequestParts {
  readonly method?: string
  /** Path and query. */
  readonly target: string
  /** For the field Host, unless there is one. */
  readonly authority: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body?: string | undefined
  /** Asks for the end of the connection after the answer, unless a field Connection is given. */
  readonly isLast?: boolean
}

/** The bytes of an HTTP/1.1 request; Host, User-Agent and Content-Length are added where they are not given. */
export function requestText({
  method = 'GET',
  target,
  authority,
  headers,
  body,
  isLast = false,
}: RequestParts): string {
  const given = new Set(headers.map(([name]) => name.toLowerCase()))
  const own: [string, string][] = []
  if (!given.has('host')) own.push(['Host', authority])
  if (!given.has('user-agent')) own.push(['User-Agent', 'meshmark-probe'])
  if (isLast && !given.has('connection')) own.push(['Connection', 'close'])
  if (body !== undefined && !given.has('content-length') && !given.has('transfer-encoding'))
    own.push(['Content-Length', String(Buffer.byteLength(body))])
  const lines = [...own, ...headers].map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return `${method} ${target} HTTP/1.1\r\n${lines}\r\n${body ?? ''}`
}
