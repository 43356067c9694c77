import { UsageError, type Problem } from '../../model/errors.ts'
import type { Lan, NodeSpec, Topology } from '../../model/topology.ts'

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
const firstHost = 10

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

/**
 * Finds everything that is wrong with a topology, at once.
 * @throws UsageError with one problem each
 */
export function checkTopology(topology: Topology): void {
  const problems = [
    ...topology.lans.flatMap((lan, index) => lanProblems(lan, `lans[${index}]`)),
    ...duplicates(topology.lans, 'lans'),
    ...topology.nodes.flatMap((node, index) => nodeProblems(node, `nodes[${index}]`, topology)),
    ...duplicates(topology.nodes, 'nodes'),
    ...clusterProblems(topology),
  ]
  if (problems.length > 0)
    throw new UsageError(`the topology has ${problems.length} problem(s)`, problems)
}

function lanProblems(lan: Lan, at: string): readonly Problem[] {
  const problems: Problem[] = []
  if (!/^[a-z][a-z0-9-]{0,9}$/.test(lan.name))
    problems.push({
      subject: `${at}.name`,
      message: `got "${lan.name}", want 1 to 10 of a-z, 0-9 and -, starting with a letter`,
    })
  const cidr = parseCidr(lan.cidr)
  if (cidr === undefined || cidr[1] > 28)
    problems.push({
      subject: `${at}.cidr`,
      message: `got "${lan.cidr}", want an IPv4 CIDR of /28 or larger`,
    })
  if (lan.mtu !== undefined && (lan.mtu < 1280 || lan.mtu > 9000))
    problems.push({ subject: `${at}.mtu`, message: `got ${lan.mtu}, want 1280 to 9000` })
  return problems
}

function nodeProblems(node: NodeSpec, at: string, topology: Topology): readonly Problem[] {
  const problems: Problem[] = []
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(node.name))
    problems.push({ subject: `${at}.name`, message: `got "${node.name}", want an RFC 1123 label` })
  if (!topology.lans.some(({ name }) => name === node.lan))
    problems.push({
      subject: `${at}.lan`,
      message: `got "${node.lan}", want one of ${topology.lans.map(({ name }) => name).join(', ')}`,
    })
  const { lossRatio, rateMbit, delayMs } = node.link ?? {}
  if (lossRatio !== undefined && (lossRatio < 0 || lossRatio > 1))
    problems.push({ subject: `${at}.link.lossRatio`, message: `got ${lossRatio}, want 0 to 1` })
  if (rateMbit !== undefined && rateMbit <= 0)
    problems.push({
      subject: `${at}.link.rateMbit`,
      message: `got ${rateMbit}, want a positive number`,
    })
  if (delayMs !== undefined && delayMs < 0)
    problems.push({ subject: `${at}.link.delayMs`, message: `got ${delayMs}, want 0 or more` })
  return problems
}

function clusterProblems(topology: Topology): readonly Problem[] {
  const problems: Problem[] = []
  const masters = topology.nodes.filter(({ role }) => role === 'master').length
  if (masters !== 1)
    problems.push({ subject: 'nodes', message: `got ${masters} nodes with role master, want 1` })
  const pods = parseCidr(topology.podCidr)
  if (pods === undefined || pods[1] > 24)
    problems.push({
      subject: 'podCidr',
      message: `got "${topology.podCidr}", want an IPv4 CIDR of /24 or larger`,
    })
  else if (topology.nodes.length > 2 ** (24 - pods[1]))
    problems.push({
      subject: 'podCidr',
      message: `got ${topology.podCidr} for ${topology.nodes.length} nodes, want a /24 for each`,
    })
  if (parseCidr(topology.serviceCidr) === undefined)
    problems.push({
      subject: 'serviceCidr',
      message: `got "${topology.serviceCidr}", want an IPv4 CIDR`,
    })
  return problems
}

function duplicates(named: readonly { readonly name: string }[], at: string): readonly Problem[] {
  const names = named.map(({ name }) => name)
  return names
    .filter((name, index) => names.indexOf(name) !== index)
    .map((name) => ({ subject: at, message: `got "${name}" twice, want every name once` }))
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
