/** One answer, as far as a load has to understand it. */
export interface RawAnswer {
  readonly status: number
  /** Only valid until the next bytes are read. */
  readonly body: Buffer
  /** The server will close this connection. */
  readonly closes: boolean
  /** Bytes came after the answer: the connection is out of step. */
  readonly hasMore: boolean
}

/** Finds the end of each answer on a kept-alive connection (RFC 9112), one request at a time. */
export interface AnswerReader {
  /** @param chunk - only read during the call, unless it is a part of an answer that has to be kept */
  push(chunk: Buffer): RawAnswer | 'malformed' | undefined
  /** The connection ended: an answer without a length of its own ends with it. */
  end(): RawAnswer | undefined
  reset(): void
}

const headEnd = Buffer.from('\r\n\r\n')
const longestHeadBytes = 65_536

interface Head {
  readonly status: number
  readonly closes: boolean
  readonly start: number
  /** Bytes of the body, or how its end is found. */
  readonly length: number | 'chunked' | 'until-close'
}

export function answerReader(): AnswerReader {
  let parts: Buffer[] = []
  let have = 0
  let need = 0
  let head: Head | undefined
  let chunks: ChunkScan | undefined

  const reset = (): void => {
    parts = []
    have = 0
    need = 0
    head = undefined
    chunks = undefined
  }
  /** Everything that came so far, in one piece. */
  const joined = (chunk: Buffer): Buffer =>
    parts.length === 0 ? chunk : Buffer.concat([...parts, chunk], have)
  const keep = (bytes: Buffer, isView: boolean): RawAnswer | undefined => {
    parts = [isView ? Buffer.from(bytes) : bytes]
    return undefined
  }
  const finish = (found: Head, body: Buffer, hasMore: boolean): RawAnswer => {
    reset()
    return { status: found.status, body, closes: found.closes, hasMore }
  }
  const push = (chunk: Buffer): RawAnswer | 'malformed' | undefined => {
    have += chunk.length
    if (have < need) {
      parts.push(Buffer.from(chunk))
      return undefined
    }
    const isView = parts.length === 0
    const bytes = joined(chunk)
    if (head === undefined) {
      const found = readHead(bytes)
      if (found === 'malformed') return 'malformed'
      if (found === undefined) return keep(bytes, isView)
      head = found
    }
    const { start, length } = head
    if (length === 'until-close') {
      need = Infinity
      return keep(bytes, isView)
    }
    if (length === 'chunked') {
      chunks ??= { at: start, bodies: [] }
      const end = scanChunks(bytes, chunks)
      if (end === 'malformed') return 'malformed'
      if (end === undefined) return keep(bytes, isView)
      const body = Buffer.concat(chunks.bodies.map(([from, to]) => bytes.subarray(from, to)))
      return finish(head, body, bytes.length > end)
    }
    need = start + length
    if (bytes.length < need) return keep(bytes, isView)
    return finish(head, bytes.subarray(start, need), bytes.length > need)
  }
  return {
    push,
    end: () => {
      if (head?.length !== 'until-close') return undefined
      return finish(head, joined(Buffer.alloc(0)).subarray(head.start), false)
    },
    reset,
  }
}

/** @returns undefined when more has to come */
function readHead(bytes: Buffer, from = 0): Head | 'malformed' | undefined {
  const end = bytes.indexOf(headEnd, from)
  if (end === -1) return bytes.length > longestHeadBytes ? 'malformed' : undefined
  const text = bytes.toString('latin1', from, end)
  const status = Number(text.slice(9, 12))
  if (!text.startsWith('HTTP/1.') || !(status >= 100 && status <= 599)) return 'malformed'
  const start = end + headEnd.length
  // why: interim answers come before the real one (RFC 9110 section 15.2)
  if (status < 200) return readHead(bytes, start)
  const closes = /\r\nconnection:[ \t]*close/i.test(text) || text.startsWith('HTTP/1.0')
  if (status === 204 || status === 304) return { status, closes, start, length: 0 }
  const length = /\r\ncontent-length:[ \t]*(\d+)/i.exec(text)?.[1]
  if (length !== undefined) return { status, closes, start, length: Number(length) }
  return /\r\ntransfer-encoding:[ \t]*chunked/i.test(text)
    ? { status, closes, start, length: 'chunked' }
    : { status, closes: true, start, length: 'until-close' }
}

/** Where the scan of a chunked body stands, so that no byte is looked at twice. */
interface ChunkScan {
  at: number
  readonly bodies: (readonly [number, number])[]
}

/** @returns where the answer ends, or undefined when more has to come */
function scanChunks(bytes: Buffer, scan: ChunkScan): number | 'malformed' | undefined {
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', scan.at)
    if (lineEnd === -1) return undefined
    const size = Number.parseInt(bytes.toString('latin1', scan.at, lineEnd), 16)
    if (!(size >= 0)) return 'malformed'
    const start = lineEnd + 2
    if (size === 0) return trailersEnd(bytes, start)
    const end = start + size
    if (bytes.length < end + 2) return undefined
    scan.bodies.push([start, end])
    scan.at = end + 2
  }
}

function trailersEnd(bytes: Buffer, start: number): number | undefined {
  if (bytes.indexOf('\r\n', start) === start) return start + 2
  const end = bytes.indexOf(headEnd, start)
  return end === -1 ? undefined : end + headEnd.length
}
