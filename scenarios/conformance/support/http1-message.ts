/** Responses of HTTP/1.1 as a client reads them off a connection (RFC 9112), byte for byte and without repairs. */

export type Field = readonly [name: string, value: string]

/** A complete response. */
export interface Http1Response {
  readonly kind: 'response'
  readonly status: number
  /** Minor version of HTTP/1 that the status line names. */
  readonly minor: number
  readonly fields: readonly Field[]
  /** Without its chunked coding. */
  readonly body: Buffer
  readonly trailers: readonly Field[]
  /** Status codes of the interim responses before it. */
  readonly interim: readonly number[]
  /** How its end is told. */
  readonly framing: 'none' | 'length' | 'chunked' | 'close'
}

export type Parsed =
  | { readonly kind: 'complete'; readonly response: Http1Response; readonly rest: Buffer }
  /** `wants`: how to go on reading. */
  | {
      readonly kind: 'incomplete'
      readonly wants: { readonly bytes: number } | { readonly text: string } | 'end'
      /** The status, once the head is there. */
      readonly status?: number
    }
  | { readonly kind: 'malformed'; readonly why: string }

const emptyLine = '\r\n\r\n'

/**
 * Takes one final response from the front of the bytes.
 * @param method - of the request: an answer to HEAD has no body
 * @param ended - nothing more will come: a body without a length is complete then
 */
export function parseResponse(bytes: Buffer, method: string, ended: boolean): Parsed {
  const interim: number[] = []
  for (let from = 0; ;) {
    const end = bytes.indexOf(emptyLine, from)
    if (end === -1) return { kind: 'incomplete', wants: { text: emptyLine } }
    const head = parseHead(bytes.toString('latin1', from, end))
    if (typeof head === 'string') return { kind: 'malformed', why: head }
    from = end + emptyLine.length
    if (head.status < 200 && head.status !== 101) interim.push(head.status)
    else return readBody(bytes.subarray(from), { ...head, interim }, method, ended)
  }
}

interface Head {
  readonly status: number
  readonly minor: number
  readonly fields: readonly Field[]
}

function parseHead(text: string): Head | string {
  const [first = '', ...lines] = text.split('\r\n')
  const parts = /^HTTP\/1\.(\d) (\d{3})(?: .*)?$/.exec(first)
  if (parts === null) return `the status line is ${JSON.stringify(first.slice(0, 80))}`
  const fields = parseFields(lines)
  if (typeof fields === 'string') return fields
  return { minor: Number(parts[1]), status: Number(parts[2]), fields }
}

/** @returns the fields, or what is wrong */
export function parseFields(lines: readonly string[]): readonly Field[] | string {
  const fields: Field[] = []
  for (const line of lines) {
    const [, name, value = ''] = /^([^\s:]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? []
    if (name === undefined) return `a field line is ${JSON.stringify(line.slice(0, 80))}`
    fields.push([name, value])
  }
  return fields
}

/** Values of a field in their order; `name` in lower case. */
export function valuesOf(fields: readonly Field[], name: string): readonly string[] {
  return fields.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value)
}

/** Entries of a list field in lower case. */
export function listOf(fields: readonly Field[], name: string): readonly string[] {
  return valuesOf(fields, name)
    .flatMap((value) => value.split(','))
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== '')
}

type Begun = Head & Pick<Http1Response, 'interim'>

function readBody(bytes: Buffer, head: Begun, method: string, ended: boolean): Parsed {
  const { status, fields } = head
  const complete = (
    framing: Http1Response['framing'],
    body: Buffer,
    rest: Buffer,
    trailers: readonly Field[] = [],
  ): Parsed => ({
    kind: 'complete',
    response: { kind: 'response', ...head, framing, body, trailers },
    rest,
  })
  const nothing = Buffer.alloc(0)
  if (method === 'HEAD' || status === 101 || status === 204 || status === 304)
    return complete('none', nothing, bytes)
  if (valuesOf(fields, 'transfer-encoding').length > 0) {
    const chunks = readChunks(bytes)
    if (typeof chunks === 'string') return { kind: 'malformed', why: chunks }
    if (chunks === undefined) return { kind: 'incomplete', wants: { text: emptyLine }, status }
    return complete('chunked', chunks.body, bytes.subarray(chunks.end), chunks.trailers)
  }
  const [length] = valuesOf(fields, 'content-length')
  if (length === undefined)
    return ended ? complete('close', bytes, nothing) : { kind: 'incomplete', wants: 'end', status }
  const missing = Number(length) - bytes.length
  if (missing > 0) return { kind: 'incomplete', wants: { bytes: missing }, status }
  return complete('length', bytes.subarray(0, Number(length)), bytes.subarray(Number(length)))
}

interface Chunks {
  readonly body: Buffer
  readonly trailers: readonly Field[]
  readonly end: number
}

/** The chunked coding (RFC 9112 §7.1): undefined while some of it is missing, a text when it is wrong. */
function readChunks(bytes: Buffer): Chunks | string | undefined {
  const pieces: Buffer[] = []
  for (let at = 0; ;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd === -1) return undefined
    const line = bytes.toString('latin1', at, lineEnd)
    const size = /^([0-9a-fA-F]+)[ \t]*(?:;.*)?$/.exec(line)?.[1]
    if (size === undefined) return `a chunk starts with ${JSON.stringify(line.slice(0, 80))}`
    const from = lineEnd + 2
    const to = from + Number.parseInt(size, 16)
    if (to === from) return readTrailers(bytes, from, Buffer.concat(pieces))
    if (bytes.length < to + 2) return undefined
    if (bytes.toString('latin1', to, to + 2) !== '\r\n') return 'a chunk does not end with CRLF'
    pieces.push(bytes.subarray(from, to))
    at = to + 2
  }
}

function readTrailers(bytes: Buffer, from: number, body: Buffer): Chunks | string | undefined {
  if (bytes.toString('latin1', from, from + 2) === '\r\n')
    return { body, trailers: [], end: from + 2 }
  const end = bytes.indexOf(emptyLine, from)
  if (end === -1) return undefined
  const trailers = parseFields(bytes.toString('latin1', from, end).split('\r\n'))
  return typeof trailers === 'string' ? trailers : { body, trailers, end: end + 4 }
}
