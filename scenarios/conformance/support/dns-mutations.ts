import { label, nameBytes } from './dns-packets.ts'

/** Names that are none, or too long, in wire form, for a name that begins at offset 12 of the message. */
export const badNames: readonly Buffer[] = [
  Buffer.from([0xc0, 12]),
  Buffer.from([0xc0, 14, 0xc0, 12]),
  Buffer.from([1, 0x61, 0xc0, 12]),
  Buffer.from([0xc0, 0xff]),
  Buffer.from([0xff, 0xff]),
  Buffer.concat([label('a'.repeat(64)), nameBytes('example')]),
  Buffer.concat([label('a'.repeat(191)), nameBytes('example')]),
  nameBytes(Array.from({ length: 5 }, () => 'a'.repeat(63)).join('.')),
]

/**
 * One of the messages, damaged in one to four places: flipped bits, bytes that are drawn or at an edge (0, 0xff, a
 * pointer), a cut, something repeated or inserted. The same numbers give the same message.
 */
export function mutation(messages: readonly Buffer[], random: () => number): Buffer {
  const below = (limit: number): number => Math.floor(random() * limit)
  let bytes = Buffer.from(messages[below(messages.length)] ?? [])
  for (let left = 1 + below(4); left > 0 && bytes.length > 0; left -= 1) {
    const at = below(bytes.length)
    switch (below(5)) {
      case 0:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8))
        break
      case 1:
        bytes[at] = below(256)
        break
      case 2:
        bytes[at] = edges[below(edges.length)] ?? 0
        break
      case 3:
        bytes = bytes.subarray(0, at)
        break
      default:
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          Buffer.from([below(256), below(256)]),
          bytes.subarray(below(bytes.length)),
        ]).subarray(0, longest)
    }
  }
  return bytes
}

const edges = [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff]

/** Fits into a datagram that no link has to cut. */
const longest = 1_200
