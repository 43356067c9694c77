import type { NodeSpec, Topology } from '../../model/topology.ts'

/** The tutorial's cluster: a master and two edge nodes in one LAN. */
export function defaultTopology(): Topology {
  return {
    lans: [{ name: 'lan', cidr: '192.168.10.0/24', uplink: 'open' }],
    nodes: [
      { name: 'master', lan: 'lan', role: 'master' },
      { name: 'edge-node-a', lan: 'lan', role: 'edge' },
      { name: 'edge-node-b', lan: 'lan', role: 'edge' },
    ],
    clusterDomain: 'cluster.local',
    podCidr: '10.244.0.0/16',
    serviceCidr: '10.96.0.0/16',
    clusterDns: '10.96.0.10',
  }
}

/** A node with the addresses that provider local gives it. */
export interface PlacedNode extends NodeSpec {
  readonly index: number
  /** In its LAN: .10, .11, ... */
  readonly address: string
  /** A /24 of the topology's podCidr. */
  readonly podCidr: string
  /** Prefix length of its LAN. */
  readonly prefix: number
  readonly gateway: string
}

/** First host number of nodes in a LAN; below are routers and what tests add by hand. */
export const firstHost = 10

/** Gives every node its addresses. The topology has to be valid. */
export function placeNodes(topology: Topology): readonly PlacedNode[] {
  const used = new Map<string, number>()
  const [podNet = 0] = parseCidr(topology.podCidr) ?? []
  return topology.nodes.map((node, index) => {
    const lan = topology.lans.find(({ name }) => name === node.lan)
    const [base = 0, prefix = 24] = parseCidr(lan?.cidr ?? '') ?? []
    const host = firstHost + (used.get(node.lan) ?? 0)
    used.set(node.lan, (used.get(node.lan) ?? 0) + 1)
    return {
      ...node,
      index,
      prefix,
      address: formatAddress(base + host),
      gateway: formatAddress(base + 1),
      podCidr: `${formatAddress(podNet + index * 256)}/24`,
    }
  })
}

/** `[network as a number, prefix length]`, or undefined when it is no IPv4 CIDR. */
export function parseCidr(cidr: string): readonly [number, number] | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(cidr)
  if (match === null) return undefined
  const [a = 0, b = 0, c = 0, d = 0, prefix = 0] = match.slice(1).map(Number)
  if ([a, b, c, d].some((part) => part > 255) || prefix > 32) return undefined
  const address = a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d
  return [address - (address % 2 ** (32 - prefix)), prefix]
}

export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.')
}
