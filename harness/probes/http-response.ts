import { type BodyDecoder, bodyDecoder } from './http-body.ts'
import { bodySink, type Body } from './body-sink.ts'
import { type Head, parseHead } from './http-head.ts'

/** A complete HTTP/1.1 response. */
export interface HttpResponse extends Head {
  readonly body: Body
}

export type ReaderState =
  | { readonly kind: 'reading'; readonly where: string }
  | { readonly kind: 'complete'; readonly response: HttpResponse }
  | { readonly kind: 'malformed'; readonly why: string }

/** Puts a response together out of bytes (RFC 9112); strict, because what it cannot read is an observation. */
export interface ResponseReader {
  push(chunk: Buffer): ReaderState
  /** No more bytes will come. */
  end(): ReaderState
  state(): ReaderState
}

/** Header blocks of more than this are not read. */
const longestHeadBytes = 256 * 1024

/** @param method - of the request: an answer to HEAD has no body (RFC 9112 section 6.3) */
export function responseReader(method: string): ResponseReader {
  const sink = bodySink()
  let headBytes: Buffer = Buffer.alloc(0)
  let head: Head | undefined
  let decoder: BodyDecoder | undefined
  let state: ReaderState = { kind: 'reading', where: 'before the first byte' }

  const readHead = (): Buffer | undefined => {
    const end = headBytes.indexOf('\r\n\r\n')
    if (end === -1) {
      state =
        headBytes.length > longestHeadBytes
          ? { kind: 'malformed', why: `no end of the headers within ${longestHeadBytes} bytes` }
          : { kind: 'reading', where: 'inside the headers' }
      return undefined
    }
    const parsed = parseHead(headBytes.subarray(0, end).toString('latin1'))
    headBytes = headBytes.subarray(end + 4)
    if (typeof parsed === 'string') {
      state = { kind: 'malformed', why: parsed }
      return undefined
    }
    // why: interim responses (RFC 9110 section 15.2) come before the real one
    if (parsed.status < 200 && parsed.status !== 101)
      return headBytes.length === 0 ? undefined : readHead()
    head = parsed
    return headBytes
  }
  const readBody = (chunk: Buffer): void => {
    if (head === undefined) return
    decoder ??= bodyDecoder(method, head)
    const progress = decoder.push(chunk, sink.add)
    if (progress.kind === 'complete') finish(head)
    else state = progress
  }
  const finish = (complete: Head): void => {
    state = { kind: 'complete', response: { ...complete, body: sink.finish() } }
  }
  return {
    push: (chunk) => {
      if (state.kind !== 'reading') return state
      if (head !== undefined) {
        readBody(chunk)
        return state
      }
      headBytes = headBytes.length === 0 ? chunk : Buffer.concat([headBytes, chunk])
      const rest = readHead()
      if (rest !== undefined) readBody(rest)
      return state
    },
    end: () => {
      if (state.kind === 'reading' && head !== undefined && decoder?.endsWithConnection === true)
        finish(head)
      return state
    },
    state: () => state,
  }
}
