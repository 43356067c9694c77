import { readBody } from '../../backends/http/body.ts'
import { keepsAlive } from '../../backends/http/exchange.ts'
import { readHead } from '../../backends/http/head.ts'
import type { ByteReader } from '../../backends/byte-reader.ts'
import { smugglingCorpus } from '../../../scenarios/conformance/l7/smuggling.corpus.ts'
import {
  getRequest,
  postRequest,
  requestBytes,
} from '../../../scenarios/conformance/support/http1.ts'

/** HTTP messages that two programs on a path could read in different ways, the same again for the same numbers. */

/** Well-formed, and two of them in a row: what everybody has to read in the same way. */
const wellFormed: readonly ((word: string) => string)[] = [
  (word) => getRequest(`/${word}`),
  (word) => postRequest(`/${word}`, 'hello'),
  (word) => chunked(word, [], '5;a="b"\r\nhello\r\n0\r\n\r\n'),
  (word) => chunked(word, ['Trailer: X-Sum'], '5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n'),
  (word) => postRequest(`/${word}/1`, 'hello') + getRequest(`/${word}/2`),
  (word) => chunked(`${word}/1`, [], '0\r\n\r\n') + getRequest(`/${word}/2`),
  (word) => getRequest(`http://web.example/${word}`),
  (word) => postRequest(`/${word}`, getRequest(`/smuggled/${word}`)),
]

function chunked(path: string, fields: readonly string[], body: string): string {
  const coding = ['Host: web.example', 'Transfer-Encoding: chunked']
  return requestBytes([`POST /${path} HTTP/1.1`, ...coding, ...fields], body)
}

/** How many messages `hostileMessage` starts from. */
export const originals: number = wellFormed.length + smugglingCorpus.length

/** What is put into a message, or in the place of a line end: each has been read in two ways by some program. */
const splinters: readonly string[] = [
  ...[
    '\r\n',
    '\n',
    '\r',
    '\r\n\r\n',
    ' ',
    '\t',
    '\0',
    '\x0b',
    '\x7f',
    '\xa0',
    '\xff',
    ':',
    ',',
    ';',
    '%',
  ],
  ...[
    '+',
    '-',
    '0x',
    '0',
    '00000000000000000005',
    'ffffffffffffffff',
    '_',
    '"',
    '0\r\n\r\n',
    '5\r\n',
  ],
  ...['\r\nContent-Length: 0', '\r\nContent-Length: 5', '\r\nContent-Length: 43'],
  ...[
    '\r\nTransfer-Encoding: chunked',
    '\r\nTransfer-Encoding : chunked',
    '\r\nTransfer-Encoding: x',
  ],
  ...['\r\nConnection: close', '\r\nConnection: Content-Length', '\r\nExpect: 100-continue'],
  ...[
    '\r\nHost: other.example',
    '\r\nUpgrade: h2c',
    '\r\n folded',
    ' HTTP/1.0',
    ' HTTP/1.1',
    ' HTTP/0.9',
  ],
]

/**
 * The message of this number: one of the originals as it is, or damaged in one to three places.
 * @param word - stands in its paths
 */
export function hostileMessage(number: number, word: string, random: () => number): Buffer {
  const below = (limit: number): number => Math.floor(random() * limit)
  const whole = original(number % originals, word)
  if (below(4) === 0) return Buffer.from(whole, 'latin1')
  let text = whole
  for (let left = 1 + below(3); left > 0 && text.length > 0; left -= 1) text = damaged(text, below)
  return Buffer.from(text, 'latin1')
}

function original(number: number, word: string): string {
  const plain = wellFormed[number]
  if (plain !== undefined) return plain(word)
  return smugglingCorpus[number - wellFormed.length]?.bytes(word).join('') ?? ''
}

function damaged(text: string, below: (limit: number) => number): string {
  const at = below(text.length)
  const splinter = splinters[below(splinters.length)] ?? ''
  const lines = text.split('\r\n')
  const line = below(lines.length)
  switch (below(8)) {
    case 0:
      return text.slice(0, at) + splinter + text.slice(at)
    case 1:
      return text.slice(0, at) + splinter + text.slice(at + 1)
    case 2:
      return text.slice(0, at) + String.fromCharCode(below(256)) + text.slice(at + 1)
    case 3:
      return text.slice(0, at)
    case 4:
      return lines.toSpliced(line, 0, lines[below(lines.length)] ?? '').join('\r\n')
    case 5:
      return lines.toSpliced(line, 1).join('\r\n')
    case 6:
      return lines.toSpliced(line, 1, `${lines[line] ?? ''}${splinter}`).join('\r\n')
    default:
      return lines.toSpliced(line, 1, swapCase(lines[line] ?? '')).join('\r\n')
  }
}

function swapCase(line: string): string {
  const upper = line.toUpperCase()
  return line === upper ? line.toLowerCase() : upper
}

/** How a strict server reads what one client sends on one connection. */
export interface Reading {
  /** `POST /path` of each request that is whole. */
  readonly whole: readonly string[]
  /** What begins after them and is no request, or not a whole one. */
  readonly rest?: string
  /** The client asked for the end of the connection, or what it sent has to end it. */
  readonly ends: boolean
}

/**
 * Reads strictly after RFC 9112, refusing everything that a server may refuse, with the parser of our backends: it
 * shares nothing with a target's.
 */
export async function strictReading(bytes: Buffer): Promise<Reading> {
  const reader = fromMemory(withoutOpaque(bytes))
  const whole: string[] = []
  for (;;) {
    const before = reader.bytes
    if (before.length === 0) return { whole, ends: false }
    const rest = firstLine(bytes.subarray(bytes.length - before.length))
    const read = await readHead(reader)
    if (read.kind !== 'head') return { whole, rest, ends: read.kind === 'fault' }
    const body = await readBody(reader, read.head.framing, () => undefined)
    if (body.kind !== 'complete') return { whole, rest, ends: body.kind === 'fault' }
    whole.push(rest)
    if (!keepsAlive(read.head)) return { whole, ends: true }
  }
}

/** Raw UTF-8 in a target (RFC 3986 has none there), which a proxy may pass on as it came: it moves no boundary. */
export const opaque: RegExp = /[\x80-\xff]/

/** The same bytes as far as boundaries go, with a letter for each that only a target may have. */
function withoutOpaque(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1')
  const lines = /^(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) HTTP\/1\.\d\r$/gm
  const plain = text.replace(lines, (line) => line.replace(/[\x80-\xff]/g, 'z'))
  return Buffer.from(plain, 'latin1')
}

/** Method and target of a request line: what names a request here and at a backend. */
export function firstLine(bytes: Buffer): string {
  const [line = ''] = bytes
    .toString('latin1')
    .trimStart()
    .split(/[\r\n]/, 1)
  const [method = '', target = ''] = line.split(' ')
  return `${method} ${target.replace(/^https?:\/\/[^/]*/i, '')}`
}

function fromMemory(all: Buffer): ByteReader {
  let bytes = all
  return {
    get bytes() {
      return bytes
    },
    ended: 'end',
    more: () => Promise.resolve(false),
    take: (count) => {
      const taken = bytes.subarray(0, count)
      bytes = bytes.subarray(count)
      return taken
    },
    release: () => undefined,
  }
}
