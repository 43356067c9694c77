import type { ByteReader } from '../byte-reader.ts'
import { type Fault, type Framing, parseFields } from './head.ts'

export type ReadBody =
  | { readonly kind: 'complete'; readonly trailers: readonly string[] }
  | { readonly kind: 'fault'; readonly fault: Fault }
  /** The peer ended inside of it. */
  | { readonly kind: 'end' }

const longestLineBytes = 16 * 1024

/** Reads a body piece by piece; nothing of it is kept here. */
export async function readBody(
  reader: ByteReader,
  framing: Framing,
  add: (piece: Buffer) => void,
): Promise<ReadBody> {
  if (framing.kind === 'none') return { kind: 'complete', trailers: [] }
  if (framing.kind === 'chunked') return readChunks(reader, add)
  return (await readExactly(reader, framing.bytes, add))
    ? { kind: 'complete', trailers: [] }
    : { kind: 'end' }
}

async function readExactly(
  reader: ByteReader,
  count: number,
  add: (piece: Buffer) => void,
): Promise<boolean> {
  for (let left = count; left > 0;) {
    if (reader.bytes.length === 0 && !(await reader.more())) return false
    const piece = reader.take(Math.min(left, reader.bytes.length))
    left -= piece.length
    add(piece)
  }
  return true
}

/** RFC 9112 section 7.1.1, without bad white space. */
const chunkLine =
  /^([0-9a-fA-F]{1,12})(?:;[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:=(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+|"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"))?)*$/

/** The chunked coding. */
async function readChunks(reader: ByteReader, add: (piece: Buffer) => void): Promise<ReadBody> {
  for (;;) {
    const line = await readLine(reader)
    if (line === undefined) return { kind: 'end' }
    if (typeof line !== 'string') return { kind: 'fault', fault: line }
    const size = chunkLine.exec(line)?.[1]
    if (size === undefined)
      return faulty(`a chunk starts with ${JSON.stringify(line.slice(0, 80))}`)
    if (Number.parseInt(size, 16) === 0) return readTrailers(reader)
    if (!(await readExactly(reader, Number.parseInt(size, 16), add))) return { kind: 'end' }
    const after = await readLine(reader, 0)
    if (after === undefined) return { kind: 'end' }
    if (after !== '') return faulty('a chunk is longer than its size says')
  }
}

async function readTrailers(reader: ByteReader): Promise<ReadBody> {
  const trailers: string[] = []
  for (;;) {
    const line = await readLine(reader)
    if (line === undefined) return { kind: 'end' }
    if (typeof line !== 'string') return { kind: 'fault', fault: line }
    if (line === '') return { kind: 'complete', trailers }
    const fields = parseFields([line])
    if ('why' in fields) return { kind: 'fault', fault: fields }
    trailers.push(line)
    if (trailers.length > 1000) return faulty('over 1000 trailer fields')
  }
}

/** Up to CR LF, without it; undefined when the peer ended first. */
async function readLine(
  reader: ByteReader,
  longest = longestLineBytes,
): Promise<string | Fault | undefined> {
  for (;;) {
    const { bytes } = reader
    const lf = bytes.indexOf(10)
    if (lf > longest + 1 || (lf === -1 && bytes.length > longest + 2))
      return { status: 400, why: `a line of a chunked body has over ${longest} bytes` }
    if (lf !== -1) {
      if (bytes[lf - 1] !== 13) return { status: 400, why: 'bare LF in a chunked body' }
      return reader
        .take(lf + 1)
        .subarray(0, -2)
        .toString('latin1')
    }
    if (!(await reader.more())) return undefined
  }
}

function faulty(why: string): ReadBody {
  return { kind: 'fault', fault: { status: 400, why } }
}
