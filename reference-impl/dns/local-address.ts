import { execFile } from 'node:child_process'
import { isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * The name server's address on the loopback device: local to this node, and reachable for its pods, whose packets
 * come to the node's routing anyway.
 */
export class LocalAddress {
  readonly #address: string
  #added = false

  constructor(address: string) {
    this.#address = address
  }

  /** The device that has the address. */
  get device(): string | undefined {
    const found = Object.entries(networkInterfaces()).find(([, addresses]) =>
      addresses?.some(({ address }) => address === this.#address),
    )
    return found?.[0]
  }

  /** Adds it unless some device has it. Can be called again, should somebody have removed it. @throws Error */
  async ensure(): Promise<void> {
    if (isAlwaysLocal(this.#address)) return
    const { device } = this
    // why: on lo it can only be what an earlier agent left, and is taken over
    this.#added ||= device === 'lo'
    if (device !== undefined) return
    // why: scope host keeps the kernel from choosing it as the source of traffic to elsewhere
    await ip('addr', 'replace', this.#cidr, 'dev', 'lo', 'scope', 'host')
    this.#added = true
  }

  /** Removes what `ensure` added, or an earlier agent left. */
  async remove(): Promise<void> {
    if (!this.#added || this.device !== 'lo') return
    await ip('addr', 'del', this.#cidr, 'dev', 'lo')
    this.#added = false
  }

  get #cidr(): string {
    return `${this.#address}/${isIPv6(this.#address) ? 128 : 32}`
  }
}

/** Loopback and "any": nothing has to be added for them. */
function isAlwaysLocal(address: string): boolean {
  return address.startsWith('127.') || ['0.0.0.0', '::', '::1'].includes(address)
}

async function ip(...args: readonly string[]): Promise<void> {
  try {
    await run('ip', args)
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string }
    throw new Error(`ip ${args.join(' ')}: ${(stderr ?? '').trim() || message}`, { cause: error })
  }
}
