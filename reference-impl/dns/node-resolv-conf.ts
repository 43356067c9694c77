import { open, stat, type FileHandle } from 'node:fs/promises'
import type { Log } from '../log.ts'
import { hasServer, nameservers, withoutServer, withServer } from './resolv-conf.ts'

export interface NodeResolvConfInit {
  readonly path: string
  /** Our name server. */
  readonly address: string
  readonly log: Log
}

/**
 * The node's own resolv.conf. The file is changed in place, because a container has it as a mount of this very inode;
 * a DHCP client that writes it anew is followed.
 */
export class NodeResolvConf {
  readonly #init: NodeResolvConfInit
  #inserted = false
  #seen = ''

  constructor(init: NodeResolvConfInit) {
    this.#init = init
  }

  /** The name servers of the node, ours apart. @throws Error when the file cannot be read */
  async servers(): Promise<readonly string[]> {
    const text = await this.#edit((found) => found)
    return nameservers(withoutServer(text)).filter((one) => one !== this.#init.address)
  }

  /** Puts our name server first. @throws Error when the file cannot be written */
  async insert(): Promise<void> {
    const { address, path, log } = this.#init
    let leftover = false
    await this.#edit((text) => {
      leftover = withoutServer(text) !== text
      return hasServer(text, address) ? text : withServer(text, address)
    })
    if (!this.#inserted)
      log.info(
        leftover
          ? "the node's resolv.conf names this agent already: an earlier one left it so"
          : "the node's resolv.conf names this agent first now",
        { path },
      )
    this.#inserted = true
  }

  /** True when the file was written by somebody else since the last call. */
  async hasChanged(): Promise<boolean> {
    const { mtimeNs, size, ino } = await stat(this.#init.path, { bigint: true })
    const now = `${ino} ${size} ${mtimeNs}`
    const changed = now !== this.#seen
    this.#seen = now
    return changed
  }

  /** Takes our lines out; the rest stays byte for byte. @throws Error when the file cannot be written */
  async restore(): Promise<void> {
    await this.#edit(withoutServer)
    this.#inserted = false
  }

  async #edit(change: (text: string) => string): Promise<string> {
    const { path } = this.#init
    const before = await readLatin1(path)
    const after = change(before)
    if (after === before) return after
    const file = await open(path, 'r+')
    try {
      await writeAll(file, Buffer.from(after, 'latin1'))
    } finally {
      await file.close()
    }
    await this.hasChanged()
    return after
  }
}

/** Latin-1 gives every byte back as it was. */
async function readLatin1(path: string): Promise<string> {
  const file = await open(path, 'r')
  try {
    return (await file.readFile()).toString('latin1')
  } finally {
    await file.close()
  }
}

/** One write, so that no reader finds the file empty; what was longer before is cut afterwards. */
async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  const { bytesWritten } = await file.write(bytes, 0, bytes.length, 0)
  if (bytesWritten !== bytes.length)
    throw new Error('the file took only a part of what was written')
  await file.truncate(bytes.length)
  await file.sync()
}
