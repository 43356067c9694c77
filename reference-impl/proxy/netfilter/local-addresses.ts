/** Local addresses of the HTTP proxy: one per HTTP port of a Service, out of a prefix that leads to this node itself. */
import { NetfilterError, run } from './command.ts'

/**
 * Link-local (RFC 3927), apart from what others use there: metadata services (169.254.169.254 and neighbours),
 * node-local DNS (169.254.20.10), pod gateways (169.254.1.1), EdgeMesh's bridge (169.254.96.16).
 */
export const defaultProxyRange = '169.254.64.0/19'

/** Makes the whole prefix local: sockets that listen on any address then answer at each of them. */
export async function addLocalRange(range: string): Promise<void> {
  const { code, stderr } = await run('ip', ['-4', 'route', 'replace', 'local', range, 'dev', 'lo'])
  if (code === 0) return
  throw new NetfilterError(
    `ip route refused to make ${range} local: ${stderr.trim()}`,
    'The HTTP proxy needs CAP_NET_ADMIN in the network namespace of the node',
  )
}

export async function removeLocalRange(range: string): Promise<void> {
  await run('ip', ['-4', 'route', 'del', 'local', range, 'dev', 'lo'])
}

/** Hands out addresses; a port keeps its own for as long as it exists. */
export class AddressPool {
  readonly #base: number
  readonly #size: number
  readonly #byKey = new Map<string, number>()
  readonly #taken = new Set<number>()

  /** @param range - prefix, e.g. `169.254.64.0/19`: 8190 addresses */
  constructor(range: string) {
    const [address = '', length = '32'] = range.split('/')
    this.#base = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)
    this.#size = 2 ** (32 - Number(length))
  }

  /** The address of `key`; undefined when all are taken. */
  allocate(key: string): string | undefined {
    const known = this.#byKey.get(key)
    if (known !== undefined) return this.#text(known)
    // why: network and broadcast-like addresses are left out, they confuse people
    const usable = this.#size - 2
    if (this.#taken.size >= usable) return undefined
    let offset = hash(key) % usable
    while (this.#taken.has(offset)) offset = (offset + 1) % usable
    this.#taken.add(offset)
    this.#byKey.set(key, offset)
    return this.#text(offset)
  }

  /** Frees all addresses whose key is not in `keys`. */
  retain(keys: ReadonlySet<string>): void {
    for (const [key, offset] of this.#byKey) {
      if (keys.has(key)) continue
      this.#byKey.delete(key)
      this.#taken.delete(offset)
    }
  }

  #text(offset: number): string {
    const value = this.#base + offset + 1
    return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')
  }
}

/** FNV-1a: the same key gets the same address after a restart, collisions aside. */
function hash(key: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < key.length; i += 1)
    value = Math.imul(value ^ key.charCodeAt(i), 0x01000193) >>> 0
  return value
}
