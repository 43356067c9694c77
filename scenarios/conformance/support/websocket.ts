/** WebSocket frames (RFC 6455 §5) as a client writes and reads them. */
import { createHash } from 'node:crypto'

export const opcodes = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

export interface Frame {
  readonly opcode: number
  readonly isFinal: boolean
  readonly payload: Buffer
}

/** The key that clients send and the answer to it (RFC 6455 §4.2.2). */
export const handshakeKey = 'dGhlIHNhbXBsZSBub25jZQ=='
export const handshakeAnswer: string = createHash('sha1')
  .update(`${handshakeKey}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
  .digest('base64')

/** One final frame, masked as a client has to. */
export function clientFrame(opcode: number, payload: Uint8Array): Buffer {
  const mask = Buffer.from([0x5a, 0x17, 0xc3, 0x88])
  const { length } = payload
  const short = Math.min(length, length > 65_535 ? 127 : length > 125 ? 126 : 125)
  const head = Buffer.from([0x80 | opcode, 0x80 | short])
  const extended = Buffer.alloc(short === 127 ? 8 : short === 126 ? 2 : 0)
  if (short === 127) extended.writeBigUInt64BE(BigInt(length))
  if (short === 126) extended.writeUInt16BE(length)
  const masked = Buffer.from(payload)
  for (let at = 0; at < length; at += 1) masked[at] = (masked[at] ?? 0) ^ (mask[at % 4] ?? 0)
  return Buffer.concat([head, extended, mask, masked])
}

/** How many bytes the first frame has, as far as these tell: more than there are means that some are missing. */
export function frameBytes(bytes: Buffer): number {
  const short = (bytes[1] ?? 0) & 0x7f
  const from = 2 + (short === 127 ? 8 : short === 126 ? 2 : 0)
  if (bytes.length < from) return from
  if (short === 127) return from + Number(bytes.readBigUInt64BE(2))
  return from + (short === 126 ? bytes.readUInt16BE(2) : short)
}

/** Reads a whole, unmasked frame. */
export function serverFrame(bytes: Buffer): Frame {
  const [first = 0, second = 0] = bytes
  const short = second & 0x7f
  const from = 2 + (short === 127 ? 8 : short === 126 ? 2 : 0)
  return {
    opcode: first & 0x0f,
    isFinal: first >= 0x80,
    payload: Buffer.from(bytes.subarray(from)),
  }
}
