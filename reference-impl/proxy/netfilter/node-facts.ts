/** What the node's own state says: which interfaces lead outside, which ports its programs listen on. */
import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'

/** Interfaces with a default route, and those that own one of the node's addresses. */
export async function outsideInterfaces(
  nodeAddresses: readonly string[],
): Promise<readonly string[]> {
  const names = new Set<string>()
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    if (addresses?.some(({ address }) => nodeAddresses.includes(address)) === true) names.add(name)
  }
  const routes = await readFile('/proc/net/route', 'utf8').catch(() => '')
  for (const line of routes.split('\n').slice(1)) {
    const [name = '', destination = '', , , , , , mask = ''] = line.split('\t')
    if (destination === '00000000' && mask === '00000000') names.add(name)
  }
  names.delete('lo')
  return [...names].sort()
}

/** IPv4 addresses of this node's interfaces, loopback included. */
export function ownAddresses(): ReadonlySet<string> {
  const own = new Set<string>()
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { address, family } of addresses ?? []) if (family === 'IPv4') own.add(address)
  }
  return own
}

/** `tcp/80`, `udp/53` for every port that a program of this node listens on at an address other than loopback. */
export async function listeningPorts(): Promise<ReadonlySet<string>> {
  const ports = new Set<string>()
  for (const [protocol, listening] of [
    ['tcp', '0A'],
    ['udp', '07'],
  ] as const) {
    for (const family of ['', '6']) {
      const table = await readFile(`/proc/net/${protocol}${family}`, 'utf8').catch(() => '')
      for (const line of table.split('\n').slice(1)) {
        const [, local = '', , state = ''] = line.trim().split(/\s+/)
        const [address = '', port = ''] = local.split(':')
        // why: 127.x.y.z is written 0xzzyyxx7F
        const loopback = address.endsWith('7F') && address.length === 8
        if (state === listening && !loopback) ports.add(`${protocol}/${Number.parseInt(port, 16)}`)
      }
    }
  }
  return ports
}
