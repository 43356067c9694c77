import type { Lan, Topology } from '../../../model/topology.ts'
import type { PlacedNode } from '../topology.ts'
import { parseCidr, formatAddress } from '../topology.ts'
import { command, commandIn } from './command.ts'
import { shapeLink } from './shape.ts'

/** The processes that hold the namespaces that the fabric connects. */
export interface FabricPids {
  readonly nodes: ReadonlyMap<string, number>
  readonly router: number
}

/** A node's cable ends in this interface of the sandbox' own namespace. */
export function cableOf(node: PlacedNode): string {
  return `node${node.index}`
}

/**
 * Builds LANs (bridges), a router with a leg in each, and a cable to every node. Nothing leads out of it: what no
 * route knows is rejected by the router at once.
 */
export async function buildFabric(
  topology: Topology,
  nodes: readonly PlacedNode[],
  pids: FabricPids,
): Promise<void> {
  await command(['ip', '-batch', '-'], sandboxLinks(topology, nodes, pids))
  await Promise.all([
    routerSide(topology, nodes, pids.router),
    ...nodes.map((node) => nodeSide(node, nodes, pidOf(pids, node.name))),
  ])
  await Promise.all([
    ...topology.lans.flatMap((lan) =>
      lan.link === undefined ? [] : [shapeLink(pids.router, lan.name, lan.link)],
    ),
    ...nodes.flatMap((node) =>
      node.link === undefined ? [] : [shapeLink(pidOf(pids, node.name), 'eth0', node.link)],
    ),
  ])
}

function sandboxLinks(topology: Topology, nodes: readonly PlacedNode[], pids: FabricPids): string {
  const lines = ['link set lo up']
  topology.lans.forEach((lan, index) => {
    const mtu = `mtu ${lan.mtu ?? 1500}`
    lines.push(
      `link add lan${index} ${mtu} type bridge`,
      `link set lan${index} up`,
      `link add router${index} ${mtu} type veth peer name ${lan.name} ${mtu} netns ${pids.router}`,
      `link set router${index} master lan${index} up`,
    )
  })
  for (const node of nodes) {
    const index = topology.lans.findIndex(({ name }) => name === node.lan)
    const mtu = `mtu ${topology.lans[index]?.mtu ?? 1500}`
    lines.push(
      `link add ${cableOf(node)} ${mtu} type veth peer name eth0 ${mtu} netns ${pidOf(pids, node.name)}`,
      `link set ${cableOf(node)} master lan${index} up`,
    )
  }
  return `${lines.join('\n')}\n`
}

async function nodeSide(
  node: PlacedNode,
  nodes: readonly PlacedNode[],
  pid: number,
): Promise<void> {
  const neighbours = nodes.filter((other) => other.name !== node.name && other.lan === node.lan)
  const lines = [
    `addr add ${node.address}/${node.prefix} dev eth0`,
    'link set eth0 up',
    `route add default via ${node.gateway}`,
    ...neighbours.map((other) => `route add ${other.podCidr} via ${other.address}`),
    // why: an address of this node's own pods that no pod has must not wander to the router and back
    `route add unreachable ${node.podCidr}`,
  ]
  await commandIn(pid, ['ip', '-batch', '-'], `${lines.join('\n')}\n`)
}

async function routerSide(
  topology: Topology,
  nodes: readonly PlacedNode[],
  pid: number,
): Promise<void> {
  const lines = topology.lans.flatMap((lan) => [
    `addr add ${routerAddress(lan)} dev ${lan.name}`,
    `link set ${lan.name} up`,
  ])
  for (const node of nodes) {
    const lan = topology.lans.find(({ name }) => name === node.lan)
    if (lan?.uplink === 'open') lines.push(`route add ${node.podCidr} via ${node.address}`)
  }
  lines.push('route add unreachable default')
  await commandIn(pid, ['ip', '-batch', '-'], `${lines.join('\n')}\n`)
  const closed = topology.lans.filter((lan) => lan.uplink === 'nat')
  if (closed.length > 0) await commandIn(pid, ['nft', '-f', '-'], natRules(closed))
}

/** A home router: out is masqueraded, in only as an answer. */
function natRules(closed: readonly Lan[]): string {
  const each = (line: (name: string) => string): string =>
    closed.map(({ name }) => `    ${line(name)}`).join('\n')
  return `table ip uplink {
  chain forward {
    type filter hook forward priority filter; policy accept;
    ct state established,related accept
${each((name) => `oifname "${name}" iifname != "${name}" reject with icmp host-unreachable`)}
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
${each((name) => `iifname "${name}" oifname != "${name}" masquerade`)}
  }
}
`
}

function routerAddress(lan: Lan): string {
  const [base = 0, prefix = 24] = parseCidr(lan.cidr) ?? []
  return `${formatAddress(base + 1)}/${prefix}`
}

function pidOf(pids: FabricPids, node: string): number {
  const pid = pids.nodes.get(node)
  if (pid === undefined) throw new Error(`node ${node} has no namespaces`)
  return pid
}
