import { chunkedDecoder } from './http-chunks.ts'
import { type Head, valuesOf } from './http-head.ts'

export type BodyProgress =
  | { readonly kind: 'complete' }
  | { readonly kind: 'reading'; readonly where: string }
  | { readonly kind: 'malformed'; readonly why: string }

/** Takes a body out of the bytes that carry it. */
export interface BodyDecoder {
  push(chunk: Buffer, add: (piece: Buffer) => void): BodyProgress
  /** The body has no length of its own: it ends with the connection. */
  readonly endsWithConnection: boolean
}

/** How long the body is, by RFC 9112 section 6.3. A head that contradicts itself is malformed. */
export function bodyDecoder(method: string, head: Head): BodyDecoder {
  if (method === 'HEAD' || [101, 204, 304].includes(head.status)) return lengthDecoder(0)
  const codings = valuesOf(head, 'transfer-encoding').join(',').toLowerCase()
  const lengths = [...new Set(valuesOf(head, 'content-length'))]
  if (codings !== '' && lengths.length > 0)
    return wrong('the headers have both Transfer-Encoding and Content-Length')
  if (codings !== '')
    return /(?:^|,)\s*chunked\s*$/.test(codings) ? chunkedDecoder() : untilTheEnd()
  if (lengths.length > 1) return wrong(`Content-Length says ${lengths.join(' and ')}`)
  const [length] = lengths
  if (length === undefined) return untilTheEnd()
  if (!/^\d{1,15}$/.test(length)) return wrong(`Content-Length is ${JSON.stringify(length)}`)
  return lengthDecoder(Number(length))
}

function lengthDecoder(length: number): BodyDecoder {
  let seen = 0
  return {
    endsWithConnection: false,
    push: (chunk, add) => {
      const piece = chunk.subarray(0, length - seen)
      if (piece.length > 0) add(piece)
      seen += piece.length
      return seen === length
        ? { kind: 'complete' }
        : { kind: 'reading', where: `after ${seen} of ${length} bytes of the body` }
    },
  }
}

function untilTheEnd(): BodyDecoder {
  return {
    endsWithConnection: true,
    push: (chunk, add) => {
      if (chunk.length > 0) add(chunk)
      return { kind: 'reading', where: 'inside the body' }
    },
  }
}

function wrong(why: string): BodyDecoder {
  return { endsWithConnection: false, push: () => ({ kind: 'malformed', why }) }
}
