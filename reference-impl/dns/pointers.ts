import type { Snapshot } from '../kube/snapshot.ts'
import type { Name } from '../wire/dns-name.ts'
import { endpointLabel, listedEndpoints } from './records.ts'

/**
 * The address that a name of the reverse zones stands for (RFC 1035 §3.5, RFC 3596 §2.5), IPv6 without abbreviation.
 * @returns undefined for any other name
 */
export function addressOfPointerName(name: Name): string | undefined {
  if (name.at(-1) !== 'arpa') return undefined
  const labels = name.slice(0, -2).reverse()
  if (name.at(-2) === 'in-addr' && labels.length === 4 && labels.every(isOctet))
    return labels.join('.')
  if (name.at(-2) === 'ip6' && labels.length === 32 && labels.every(isNibble))
    return labels.join('')
  return undefined
}

function isOctet(label: string): boolean {
  return /^(0|[1-9]\d{0,2})$/.test(label) && Number(label) < 256
}

function isNibble(label: string): boolean {
  return /^[0-9a-f]$/.test(label)
}

/** Names by address: Services by ClusterIP (§2.3.3), listed endpoints of headless Services (§2.4.3). */
export function pointerTargets(
  { services }: Snapshot,
  domain: Name,
): ReadonlyMap<string, readonly Name[]> {
  const targets = new Map<string, Name[]>()
  const add = (address: string, target: Name): void => {
    const key = pointerKey(address)
    const known = targets.get(key)
    if (known === undefined) targets.set(key, [target])
    else if (!known.some((one) => one.join('.') === target.join('.'))) known.push(target)
  }
  for (const service of services.values()) {
    const owner = [service.name, service.namespace, 'svc', ...domain]
    for (const address of service.clusterIps) add(address, owner)
    if (!service.isHeadless) continue
    for (const endpoint of listedEndpoints(service))
      add(endpoint.address, [endpointLabel(endpoint), ...owner])
  }
  return targets
}

/** IPv4 as it is; IPv6 as its 32 nibbles. */
function pointerKey(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail] = address.toLowerCase().split('::')
  const front = head.split(':').filter((group) => group !== '')
  if (tail === undefined) return nibbles(front)
  const back = tail.split(':').filter((group) => group !== '')
  const zeros = new Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0')
  return nibbles([...front, ...zeros, ...back])
}

function nibbles(groups: readonly string[]): string {
  return groups.map((group) => group.padStart(4, '0')).join('')
}
