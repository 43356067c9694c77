/** ClusterIPs as addresses of this node's loopback device: packets for them end here, without any netfilter. */
import { NetfilterError, run } from '../netfilter/command.ts'

/** Label of the addresses (ip-address(8)), by which a later agent knows what an earlier one left. */
const label = 'lo:mmsvc'

interface Link {
  readonly addr_info?: readonly { readonly local?: string; readonly label?: string }[]
}

export class ServiceAddresses {
  #held: Set<string> | undefined
  /** One change at a time: what one is taking off another must not take for lost. */
  #queue: Promise<unknown> = Promise.resolve()

  /** Adds those that are missing. @throws NetfilterError when `ip` may not */
  add(wanted: ReadonlySet<string>): Promise<void> {
    return this.#inTurn(() => this.#add(wanted))
  }

  async #add(wanted: ReadonlySet<string>): Promise<void> {
    const held = await this.#known()
    const missing = [...wanted].filter((address) => !held.has(address))
    await change(missing.map((address) => `addr add ${address}/32 dev lo label ${label}`))
    for (const address of missing) held.add(address)
  }

  /** Takes off all of ours but these. @throws NetfilterError when `ip` may not */
  retain(wanted: ReadonlySet<string>): Promise<void> {
    return this.#inTurn(() => this.#retain(wanted))
  }

  async #retain(wanted: ReadonlySet<string>): Promise<void> {
    const held = await this.#known()
    const surplus = [...held].filter((address) => !wanted.has(address))
    await change(surplus.map((address) => `addr del ${address}/32 dev lo`))
    for (const address of surplus) held.delete(address)
  }

  has(address: string): boolean {
    return this.#held?.has(address) === true
  }

  /** Puts back what others took off the device; gives how many. */
  repair(): Promise<number> {
    return this.#inTurn(() => this.#repair())
  }

  async #repair(): Promise<number> {
    const held = await this.#known()
    this.#held = await onDevice()
    const missing = [...held].filter((address) => !this.has(address))
    await this.#add(new Set(missing))
    return missing.length
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work)
    this.#queue = result.catch(() => undefined)
    return result
  }

  async #known(): Promise<Set<string>> {
    this.#held ??= await onDevice()
    return this.#held
  }
}

async function onDevice(): Promise<Set<string>> {
  const { code, stdout, stderr } = await run('ip', ['-j', '-4', 'addr', 'show', 'dev', 'lo'])
  if (code !== 0)
    throw new NetfilterError(
      `ip does not tell the addresses of lo: ${stderr.trim()}`,
      'Install iproute2',
    )
  const links = JSON.parse(stdout) as readonly Link[]
  return new Set(
    links.flatMap(({ addr_info: addresses = [] }) =>
      addresses.flatMap(({ local, label: own }) =>
        local !== undefined && own === label ? [local] : [],
      ),
    ),
  )
}

async function change(lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return
  const { code, stderr } = await run('ip', ['-force', '-batch', '-'], `${lines.join('\n')}\n`)
  const refused = stderr
    .split('\n')
    .filter((line) => /RTNETLINK answers/.test(line) && !/File exists|Cannot assign/.test(line))
  if (code !== 0 && refused.length > 0)
    throw new NetfilterError(
      `ip refused addresses of Services: ${refused[0] ?? ''}`,
      'Proxy mode userspace needs CAP_NET_ADMIN in the network namespace of the node',
    )
}
