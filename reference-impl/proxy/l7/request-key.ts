/** What a consistent hash looks at in a request: a header, a cookie, a query parameter. */
import { randomBytes } from 'node:crypto'
import type { HashKey } from '../../kube/snapshot.ts'
import { equalsIgnoringCase } from '../../wire/http1-bytes.ts'
import type { RequestHead } from '../../wire/http1-request.ts'
import { hashBytes, hashText } from '../balance/slots.ts'

type CookieKey = Extract<HashKey, { readonly kind: 'cookie' }>

const cookieField = Buffer.from('cookie')

/** @returns undefined when the request lacks it, or has it empty: its source address counts then */
export function requestKey(key: HashKey, bytes: Buffer, head: RequestHead): number | undefined {
  switch (key.kind) {
    case 'source-address':
      return undefined
    case 'header':
      return headerKey(key.name, bytes, head)
    case 'cookie':
      return cookieKey(key.name, bytes, head)
    case 'query':
      return queryKey(key.name, bytes, head)
  }
}

/** The field's first line counts. Names have no case (RFC 9110 §5.1). */
function headerKey(name: string, bytes: Buffer, { fields }: RequestHead): number | undefined {
  const wanted = Buffer.from(name)
  for (let i = 0; i < fields.count; i += 1) {
    const from = fields.nameStart[i] as number
    if (!equalsIgnoringCase(bytes, from, fields.nameEnd[i] as number, wanted)) continue
    return hashOf(bytes, fields.valueStart[i] as number, fields.valueEnd[i] as number)
  }
  return undefined
}

/** Cookie pairs (RFC 6265 §4.2.1) may stand in several lines; names have case. */
function cookieKey(name: string, bytes: Buffer, { fields }: RequestHead): number | undefined {
  for (let i = 0; i < fields.count; i += 1) {
    const nameStart = fields.nameStart[i] as number
    if (!equalsIgnoringCase(bytes, nameStart, fields.nameEnd[i] as number, cookieField)) continue
    const line = bytes.toString('latin1', fields.valueStart[i], fields.valueEnd[i])
    for (const pair of line.split(';')) {
      const [found, value] = splitPair(pair.trim())
      if (found === name && value !== '') return hashText(unquoted(value))
    }
  }
  return undefined
}

/** The parameter as it stands in the target, not decoded. */
function queryKey(name: string, bytes: Buffer, head: RequestHead): number | undefined {
  const target = bytes.toString('latin1', head.targetStart, head.targetEnd)
  const at = target.indexOf('?')
  if (at === -1) return undefined
  const [query = ''] = target.slice(at + 1).split('#')
  for (const pair of query.split('&')) {
    const [found, value] = splitPair(pair)
    if (found === name && value !== '') return hashText(value)
  }
  return undefined
}

/**
 * A cookie for a client that has none, as Envoy makes it: a random value, HttpOnly, Max-Age only with a time to live.
 * @returns its hash, and the field line with CRLF
 */
export function newCookie({ name, ttlSeconds, path }: CookieKey): {
  readonly key: number
  readonly line: Buffer
} {
  const value = randomBytes(8).toString('hex')
  const attributes = [
    `${name}=${value}`,
    ...(ttlSeconds > 0 ? [`Max-Age=${ttlSeconds}`] : []),
    ...(path === undefined ? [] : [`Path=${path}`]),
    'HttpOnly',
  ]
  return { key: hashText(value), line: Buffer.from(`Set-Cookie: ${attributes.join('; ')}\r\n`) }
}

function hashOf(bytes: Buffer, from: number, to: number): number | undefined {
  return from === to ? undefined : hashBytes(bytes, from, to)
}

function splitPair(pair: string): readonly [name: string, value: string] {
  const at = pair.indexOf('=')
  return at === -1 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)]
}

function unquoted(value: string): string {
  return value.length > 1 && value.startsWith('"') && value.endsWith('"')
    ? value.slice(1, -1)
    : value
}
