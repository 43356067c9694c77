import { BlockList, isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'

const maxKnown = 4096

/**
 * Who may ask: this node and its pods. A neighbour in the LAN may not (an open resolver helps attackers of others).
 * The kernel drops what comes in through an outside interface, where the traffic path's rules are in force; this is
 * the second line, by source address: neighbours are those in the subnet of an interface that has a default route or
 * carries the node's own address, pods and own addresses excepted.
 */
export class ClientFilter {
  #own = new Set<string>()
  #pods = new BlockList()
  #neighbours = new BlockList()
  #nodeAddresses: readonly string[] = []
  #podCidrs: readonly string[] = []
  /** What the lists were made of. */
  #facts = ''
  /** Judged since the last refresh: a list is slow to ask, and clients ask again and again. */
  readonly #known = new Map<string, boolean>()

  /** @param nodeAddresses - as the API knows them */
  update(nodeAddresses: readonly string[], podCidrs: readonly string[]): void {
    this.#nodeAddresses = nodeAddresses
    this.#podCidrs = podCidrs
    this.refresh()
  }

  /** Follows interfaces that came, went or changed. @returns whether this node's addresses did */
  refresh(): boolean {
    this.#known.clear()
    const interfaces = networkInterfaces()
    const facts = JSON.stringify([interfaces, this.#nodeAddresses, this.#podCidrs])
    if (facts === this.#facts) return false
    this.#facts = facts
    const own = new Set<string>()
    const neighbours = new BlockList()
    for (const addresses of Object.values(interfaces)) {
      const all = addresses ?? []
      for (const { address } of all) own.add(address)
      if (!all.some(({ address }) => this.#nodeAddresses.includes(address))) continue
      for (const { cidr, family } of all) addCidr(neighbours, cidr, family)
    }
    const pods = new BlockList()
    for (const cidr of this.#podCidrs) addCidr(pods, cidr, cidr.includes(':') ? 'IPv6' : 'IPv4')
    const changed = [...own].join() !== [...this.#own].join()
    this.#own = own
    this.#pods = pods
    this.#neighbours = neighbours
    return changed
  }

  allows(address: string): boolean {
    const known = this.#known.get(address)
    if (known !== undefined) return known
    const allowed = this.#judge(address)
    if (this.#known.size < maxKnown) this.#known.set(address, allowed)
    return allowed
  }

  #judge(address: string): boolean {
    if (address.startsWith('127.') || address === '::1' || this.#own.has(address)) return true
    const family = isIPv4(address) ? 'ipv4' : 'ipv6'
    return !this.#neighbours.check(address, family) || this.#pods.check(address, family)
  }
}

function addCidr(list: BlockList, cidr: string | null, family: 'IPv4' | 'IPv6'): void {
  const [address = '', length = ''] = (cidr ?? '').split('/')
  const bits = Number(length)
  // why: /32 and /128 have no neighbours
  if (address === '' || bits >= (family === 'IPv4' ? 32 : 128)) return
  try {
    list.addSubnet(address, bits, family === 'IPv4' ? 'ipv4' : 'ipv6')
  } catch {
    // why: podCIDRs come from the API; one that is none concerns nobody
  }
}
