import { createHash } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { ClusterRecords } from './cluster-state.ts'

/** Changes when records of an older agent can no longer be read. */
const format = 'meshmark-state/1'

interface Header {
  readonly format: string
  readonly savedAt: string
  readonly sha256: string
}

export interface Saved {
  readonly savedAt: Date
  readonly records: ClusterRecords
}

/** Records that become text in one go: a fraction of a millisecond, so that questions and changes get their turn. */
const recordsAtOnce = 100

/** The last good state of the cluster, in one file: a header line, then the records as JSON. */
export class SavedState {
  readonly #directory: string
  readonly #path: string

  constructor(directory: string) {
    this.#directory = directory
    this.#path = join(directory, 'cluster.json')
  }

  get path(): string {
    return this.#path
  }

  /**
   * @returns undefined when nothing was saved
   * @throws Error when the file is damaged or of another format; it is of no use then
   */
  async load(): Promise<Saved | undefined> {
    let text: string
    try {
      text = await readFile(this.#path, 'utf8')
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
    const lineEnd = text.indexOf('\n')
    const header = JSON.parse(text.slice(0, lineEnd)) as Header
    const body = text.slice(lineEnd + 1)
    if (header.format !== format)
      throw new Error(`${this.#path} has format ${header.format}, this agent reads ${format}`)
    if (header.sha256 !== checksum(body))
      throw new Error(`${this.#path} is damaged: its checksum does not match`)
    return { savedAt: new Date(header.savedAt), records: JSON.parse(body) as ClusterRecords }
  }

  /**
   * Writes beside the old file and renames, so that a crash or a full disk leaves the old one. Large states are written
   * in pieces, with pauses for other work. @throws Error
   */
  async save(records: ClusterRecords): Promise<void> {
    // why: not recursive, which Node.js 20 never ends below some pseudo file systems
    await mkdir(this.#directory, { mode: 0o700 }).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    })
    const temporary = `${this.#path}.new`
    const savedAt = new Date().toISOString()
    try {
      const file = await open(temporary, 'w', 0o600)
      try {
        const hash = createHash('sha256')
        const header = (sha256: string): string =>
          `${JSON.stringify({ format, savedAt, sha256 } satisfies Header)}\n`
        // why: the checksum is known at the end only, and is as long whatever it is
        await file.appendFile(header(createHash('sha256').digest('hex')))
        for (const piece of pieces(records)) {
          hash.update(piece)
          await file.appendFile(piece)
          await setImmediate()
        }
        await file.write(header(hash.digest('hex')), 0)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(temporary, this.#path)
      await syncDirectory(this.#directory)
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
  }
}

/** The records as JSON, piece by piece. */
function* pieces(records: ClusterRecords): Iterable<string> {
  let before = '{'
  for (const [kind, all] of Object.entries(records) as [string, readonly unknown[]][]) {
    yield `${before}${JSON.stringify(kind)}:[`
    for (let at = 0; at < all.length; at += recordsAtOnce) {
      const some = all.slice(at, at + recordsAtOnce).map((one) => JSON.stringify(one))
      yield `${at === 0 ? '' : ','}${some.join(',')}`
    }
    before = '],'
  }
  yield before === '{' ? '{}' : ']}'
}

/** The rename itself survives a power cut only when the folder is on disk as well. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'ENOENT'
}
