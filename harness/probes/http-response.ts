/** A complete HTTP/1.1 response. */
export interface HttpResponse {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Buffer
}

export type ReaderState =
  | { readonly kind: 'reading'; readonly where: string }
  | { readonly kind: 'complete'; readonly response: HttpResponse }
  | { readonly kind: 'malformed'; readonly why: string }

/** Puts a response together out of bytes (RFC 9112); strict, because what it cannot read is an observation. */
export interface ResponseReader {
  push(chunk: Buffer): void
  state(): ReaderState
  /** No more bytes will come. */
  end(): ReaderState
}

interface Head {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
}

/** Header blocks of more than this are not read. */
const longestHeadBytes = 256 * 1024

export function responseReader(method: string): ResponseReader {
  let bytes: Buffer = Buffer.alloc(0)
  let head: Head | undefined
  let result: ReaderState = { kind: 'reading', where: 'before the first byte' }

  const read = (ended: boolean): void => {
    while (result.kind === 'reading') {
      if (head === undefined) {
        const end = bytes.indexOf('\r\n\r\n')
        if (end === -1) {
          if (bytes.length > longestHeadBytes)
            result = {
              kind: 'malformed',
              why: `no end of the headers within ${longestHeadBytes} bytes`,
            }
          else if (bytes.length > 0) result = { kind: 'reading', where: 'inside the headers' }
          return
        }
        const parsed = parseHead(bytes.subarray(0, end).toString('latin1'))
        if (typeof parsed === 'string') {
          result = { kind: 'malformed', why: parsed }
          return
        }
        bytes = bytes.subarray(end + 4)
        // why: interim responses (RFC 9110 §15.2) come before the real one
        if (parsed.status >= 100 && parsed.status < 200 && parsed.status !== 101) continue
        head = parsed
      }
      result = bodyState(head, bytes, method, ended)
      return
    }
  }
  return {
    push: (chunk) => {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
      read(false)
    },
    state: () => result,
    end: () => {
      read(true)
      return result
    },
  }
}

function parseHead(text: string): Head | string {
  const [statusLine = '', ...lines] = text.split('\r\n')
  const match = /^HTTP\/1\.[01] ([1-5]\d\d)(?: .*)?$/.exec(statusLine)
  if (match === null) return `the status line is ${JSON.stringify(statusLine.slice(0, 80))}`
  const headers: (readonly [string, string])[] = []
  for (const line of lines) {
    const field = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line)
    if (field === null) return `a header line is ${JSON.stringify(line.slice(0, 80))}`
    headers.push([field[1] ?? '', field[2] ?? ''])
  }
  return { status: Number(match[1]), headers }
}

function bodyState(head: Head, bytes: Buffer, method: string, ended: boolean): ReaderState {
  const complete = (body: Buffer): ReaderState => ({
    kind: 'complete',
    response: { ...head, body },
  })
  if (method === 'HEAD' || head.status === 204 || head.status === 304 || head.status === 101)
    return complete(Buffer.alloc(0))
  const values = (name: string): readonly string[] =>
    head.headers.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value)
  if (values('transfer-encoding').length > 0) return chunkedState(bytes, complete)
  const lengths = [...new Set(values('content-length'))]
  if (lengths.length > 1)
    return { kind: 'malformed', why: `Content-Length says ${lengths.join(' and ')}` }
  const [length] = lengths
  if (length === undefined)
    return ended ? complete(bytes) : { kind: 'reading', where: 'inside the body' }
  if (!/^\d+$/.test(length))
    return { kind: 'malformed', why: `Content-Length is ${JSON.stringify(length)}` }
  if (bytes.length < Number(length))
    return { kind: 'reading', where: `after ${bytes.length} of ${length} bytes of the body` }
  return complete(bytes.subarray(0, Number(length)))
}

function chunkedState(bytes: Buffer, complete: (body: Buffer) => ReaderState): ReaderState {
  const parts: Buffer[] = []
  let at = 0
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd === -1) return { kind: 'reading', where: 'inside a chunk' }
    const line = bytes.subarray(at, lineEnd).toString('latin1')
    const size = /^([0-9a-fA-F]{1,8})(?:;.*)?$/.exec(line)?.[1]
    if (size === undefined)
      return { kind: 'malformed', why: `a chunk size is ${JSON.stringify(line.slice(0, 40))}` }
    const start = lineEnd + 2
    const end = start + Number.parseInt(size, 16)
    if (end === start) {
      const trailersEnd =
        bytes.indexOf('\r\n', start) === start ? start + 2 : bytes.indexOf('\r\n\r\n', start)
      return trailersEnd === -1
        ? { kind: 'reading', where: 'before the end of the chunks' }
        : complete(Buffer.concat(parts))
    }
    if (bytes.length < end + 2) return { kind: 'reading', where: 'inside a chunk' }
    if (bytes.subarray(end, end + 2).toString('latin1') !== '\r\n')
      return { kind: 'malformed', why: 'a chunk is longer than its size says' }
    parts.push(bytes.subarray(start, end))
    at = end + 2
  }
}
