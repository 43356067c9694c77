/**
 * Consistent hashing: a hash falls into one of a fixed number of slots, and each slot belongs to one endpoint
 * (highest random weight, Thaler and Ravishankar 1998). Who gets a slot depends on addresses and ports alone, so it is
 * the same on every node, in any order and after a restart; an endpoint that goes leaves the slots of the others alone.
 */
import type { Destination } from '../plan.ts'

/** No endpoint gets more slots than its even share times this (bounded loads, Mirrokni et al. 2016). */
const loadFactor = 1.25

/** 32-bit FNV-1a over UTF-8. */
export function hashText(text: string): number {
  return hashBytes(Buffer.from(text), 0, Buffer.byteLength(text))
}

/** 32-bit FNV-1a over `bytes[from, to)`, mixed once more: FNV alone spreads short keys badly. */
export function hashBytes(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5
  for (let i = from; i < to; i += 1) {
    hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193)
  }
  return mixed(hash)
}

/** The slot that a hash falls into, 0 to `count` - 1. */
export function slotOf(hash: number, count: number): number {
  return Math.floor(((hash >>> 0) / 2 ** 32) * count)
}

/** What an endpoint's weights are made of. */
export function seedOf({ address, port }: Destination): number {
  return hashText(`${address}:${port}`)
}

/** Weight of an endpoint for a slot; the largest one wins. */
export function weight(slot: number, seed: number): number {
  return mixed(Math.imul(slot + 1, 0x9e3779b1) ^ seed) >>> 0
}

/**
 * For each of `count` slots the index of its endpoint.
 * @param endpoints - at least one
 */
export function slotTable(endpoints: readonly Destination[], count: number): Uint16Array {
  const table = new Uint16Array(count)
  const seeds = endpoints.map(seedOf)
  // why: two endpoints may have the same seed or weight; which is first must not depend on their order
  const order = endpoints
    .map((endpoint, i) => ({ i, key: `${endpoint.address}:${endpoint.port}` }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ i }) => i)
  const limit = Math.ceil((count / endpoints.length) * loadFactor)
  const taken = new Uint32Array(endpoints.length)
  for (let slot = 0; slot < count; slot += 1) {
    let best = -1
    let bestWeight = -1
    for (const i of order) {
      if ((taken[i] as number) >= limit) continue
      const own = weight(slot, seeds[i] as number)
      if (own <= bestWeight) continue
      bestWeight = own
      best = i
    }
    table[slot] = best
    taken[best] = (taken[best] as number) + 1
  }
  return table
}

/** The finalizer of MurmurHash3: every bit of the input moves every bit of the result. */
function mixed(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
