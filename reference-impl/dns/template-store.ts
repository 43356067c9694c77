import type { Template } from '../wire/dns-writer.ts'

/** Bounds of a store, whichever is reached first: all names of a cluster with some thousand Services. */
const maxTemplates = 8192
const maxBytes = 16 * 1024 * 1024

/** What an entry holds beside its octets: map, objects, array and the buffer's own bookkeeping (measured: 0.9 KiB). */
const overheadBytes = 1024

/** What one kept answer holds of this process' memory, in bytes. */
export function heldBytes(key: string, { bytes, recordEnds }: Template): number {
  return overheadBytes + key.length + bytes.length + 16 * recordEnds.length
}

/** Answers of the zone, kept until it changes. */
export class TemplateStore {
  readonly #templates = new Map<string, Template>()
  #bytes = 0

  get size(): number {
    return this.#templates.size
  }

  get(key: string): Template | undefined {
    return this.#templates.get(key)
  }

  keep(key: string, template: Template): void {
    const bytes = heldBytes(key, template)
    // why: questions for names that do not exist are without number; what is asked for again comes back at once
    if (this.size >= maxTemplates || this.#bytes + bytes > maxBytes) this.clear()
    this.#templates.set(key, template)
    this.#bytes += bytes
  }

  clear(): void {
    this.#templates.clear()
    this.#bytes = 0
  }
}
