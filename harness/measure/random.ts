/**
 * A seeded stream of uniform numbers in [0, 1): equal seeds give equal streams on every machine. The generator is
 * xoshiro128** 1.1 (Blackman and Vigna, 2018) with 128 bits of state, filled by splitmix32 from the seed, of which
 * only the lowest 32 bits count; each number has 32 random bits. For schedules and coin flips, not for secrets.
 */
export function randomStream(seed: number): () => number {
  const fill = splitmix32(seed)
  let [a, b, c, d] = [fill(), fill(), fill(), fill()]
  return () => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = rotateLeft(d, 11)
    return result / 2 ** 32
  }
}

function rotateLeft(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by))
}

/** Spreads a seed of little entropy (0, 1, 2 ...) over whole words (MurmurHash3's finalizer on a Weyl sequence). */
function splitmix32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e37_79b9) >>> 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x85eb_ca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35)
    return (mixed ^ (mixed >>> 16)) >>> 0
  }
}
