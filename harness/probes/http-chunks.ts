import type { BodyDecoder, BodyProgress } from './http-body.ts'

/** Lines inside a chunked body (sizes, trailers) that are longer than this are malformed. */
const longestLineBytes = 16 * 1024

type Part = 'size' | 'data' | 'data-end' | 'trailer'

/** The chunked coding (RFC 9112 section 7.1); extensions and trailers are read over. */
export function chunkedDecoder(): BodyDecoder {
  let part: Part = 'size'
  let left = 0
  let rest: Buffer = Buffer.alloc(0)

  /** One step forward; undefined when more bytes have to come. */
  const step = (add: (piece: Buffer) => void): BodyProgress | 'on' | undefined => {
    if (part === 'data') {
      const piece = rest.subarray(0, left)
      if (piece.length === 0) return undefined
      add(piece)
      left -= piece.length
      rest = rest.subarray(piece.length)
      if (left === 0) part = 'data-end'
      return 'on'
    }
    const lineEnd = rest.indexOf('\r\n')
    if (part === 'data-end' && rest.length >= 2 && lineEnd !== 0)
      return { kind: 'malformed', why: 'a chunk is longer than its size says' }
    if (lineEnd === -1)
      return rest.length > longestLineBytes
        ? { kind: 'malformed', why: `a line between chunks has over ${longestLineBytes} bytes` }
        : undefined
    const line = rest.subarray(0, lineEnd).toString('latin1')
    rest = rest.subarray(lineEnd + 2)
    return readLine(line)
  }
  const readLine = (line: string): BodyProgress | 'on' => {
    if (part === 'data-end') part = 'size'
    else if (part === 'trailer') return line === '' ? { kind: 'complete' } : 'on'
    else {
      const size = /^([0-9a-fA-F]{1,8})[ \t]*(?:;.*)?$/.exec(line)?.[1]
      if (size === undefined)
        return { kind: 'malformed', why: `a chunk size is ${JSON.stringify(line.slice(0, 40))}` }
      left = Number.parseInt(size, 16)
      part = left === 0 ? 'trailer' : 'data'
    }
    return 'on'
  }
  return {
    endsWithConnection: false,
    push: (chunk, add) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      for (;;) {
        const progress = step(add)
        if (progress === undefined) return { kind: 'reading', where: whereabouts[part] }
        if (progress !== 'on') return progress
      }
    },
  }
}

const whereabouts: Readonly<Record<Part, string>> = {
  size: 'between two chunks',
  data: 'inside a chunk',
  'data-end': 'at the end of a chunk',
  trailer: 'before the end of the chunks',
}
