import { flag } from '../wire/dns-constants.ts'
import { keptBytes } from '../wire/kept-bytes.ts'
import type { Template } from '../wire/dns-writer.ts'
import type { Answer } from './exchange.ts'
import { heldBytes } from './template-store.ts'

/** Bounds of the cache, whichever is reached first; the bytes are what entries hold of this process' memory. */
const maxEntries = 10_000
const maxBytes = 16 * 1024 * 1024

/** However long a record claims to live, it is asked for again after this. */
const maxLifetimeSeconds = 3600
const maxNegativeSeconds = 30

interface Entry {
  readonly template: Template
  readonly ttlOffsets: readonly number[]
  /** TTLs as they came. */
  readonly ttls: readonly number[]
  readonly storedAtMs: number
  readonly lifetimeMs: number
  shownAgeSeconds: number
}

/** Answers of upstream servers; their TTLs count down while they lie here. The least recently stored go first. */
export class AnswerCache {
  readonly #entries = new Map<string, Entry>()
  readonly #nowMs: () => number
  #bytes = 0

  /** @param nowMs - a clock that never goes back */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  get size(): number {
    return this.#entries.size
  }

  find(key: string): Template | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    const ageMs = this.#nowMs() - entry.storedAtMs
    if (ageMs >= entry.lifetimeMs) {
      this.#drop(key, entry)
      return undefined
    }
    const ageSeconds = Math.floor(ageMs / 1000)
    if (ageSeconds !== entry.shownAgeSeconds) age(entry, ageSeconds)
    return entry.template
  }

  /** Keeps an answer as long as it may be kept. @returns it in the form to be passed on */
  store(key: string, answer: Answer): Template {
    const template = templateOf(answer)
    const negative = answer.counts[0] === 0
    const seconds = Math.min(
      answer.lifetimeSeconds,
      negative ? maxNegativeSeconds : maxLifetimeSeconds,
    )
    const truncated = (answer.flags & flag.truncated) !== 0
    if (seconds <= 0 || truncated) return template
    const previous = this.#entries.get(key)
    if (previous !== undefined) this.#drop(key, previous)
    const entry: Entry = {
      template,
      ttlOffsets: answer.ttlOffsets,
      ttls: answer.ttlOffsets.map((at) => template.bytes.readUInt32BE(at)),
      storedAtMs: this.#nowMs(),
      lifetimeMs: seconds * 1000,
      shownAgeSeconds: 0,
    }
    this.#entries.set(key, entry)
    this.#bytes += heldBytes(key, template)
    this.#trim()
    return template
  }

  clear(): void {
    this.#entries.clear()
    this.#bytes = 0
  }

  #trim(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size <= maxEntries && this.#bytes <= maxBytes) return
      this.#drop(key, entry)
    }
  }

  #drop(key: string, entry: Entry): void {
    this.#entries.delete(key)
    this.#bytes -= heldBytes(key, entry.template)
  }
}

function age(entry: Entry, ageSeconds: number): void {
  entry.shownAgeSeconds = ageSeconds
  entry.ttlOffsets.forEach((at, i) => {
    const ttl = entry.ttls[i] ?? 0
    entry.template.bytes.writeUInt32BE(ttl > 0x7fffffff ? 0 : Math.max(0, ttl - ageSeconds), at)
  })
}

/** The answer as our own message: not authoritative, recursion available, without OPT. */
export function templateOf({ message, flags, questionEnd, recordEnds, counts }: Answer): Template {
  const bytes = keptBytes(message.subarray(0, recordEnds.at(-1) ?? questionEnd))
  const kept = flags & (flag.truncated | flag.authenticData | 0xf)
  bytes.writeUInt16BE(0, 0)
  bytes.writeUInt16BE(flag.response | flag.recursionAvailable | kept, 2)
  counts.forEach((count, i) => bytes.writeUInt16BE(count, 6 + 2 * i))
  return { bytes, questionEnd, recordEnds }
}
