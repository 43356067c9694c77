/** After so many bytes the pattern takes another turn. */
const blockBytes = 65_536

/**
 * The byte at a place of the repeatable pattern that streams and echo programs send: `index` modulo 251, XOR the number
 * of the 64 KiB block. It repeats after 251 * 16 MiB, so a lost, doubled or swapped piece changes the hash.
 * @param index - 0 to 2^53 - 1
 */
export function patternByte(index: number): number {
  return (index % 251) ^ (Math.floor(index / blockBytes) & 255)
}

/** So many bytes of the pattern from a place on. */
export function patternBytes(from: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let place = from % 251
  let at = 0
  while (at < length) {
    const block = Math.floor((from + at) / blockBytes)
    const end = Math.min(length, (block + 1) * blockBytes - from)
    for (; at < end; at += 1) {
      bytes[at] = place ^ (block & 255)
      place = place === 250 ? 0 : place + 1
    }
  }
  return bytes
}
