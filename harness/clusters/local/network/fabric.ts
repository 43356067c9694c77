import type { Lan, LinkShape, Topology } from '../../../model/topology.ts'
import { formatAddress, parseCidr, type PlacedNode } from '../topology.ts'
import { command, commandIn } from './command.ts'
import { type CableEnd, shapeCable } from './shape.ts'

/** The processes that hold the namespaces that the fabric connects. */
export interface FabricPids {
  readonly nodes: ReadonlyMap<string, number>
  readonly router: number
}

/** Bytes of an IP packet where a LAN says nothing. */
const usualMtu = 1500

/** A node's cable ends in this interface of the sandbox' own namespace. */
export function cableOf(node: PlacedNode): string {
  return `node${node.index}`
}

/** What a node's cable does to packets: its own shape, else that of every cable of its LAN. */
export function linkOf(topology: Topology, node: PlacedNode): LinkShape | undefined {
  return node.link ?? lanOf(topology, node).link
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
  await Promise.all(cables(topology, nodes, pids).map(({ ends, shape }) => shapeCable(ends, shape)))
}

function sandboxLinks(topology: Topology, nodes: readonly PlacedNode[], pids: FabricPids): string {
  const lines = ['link set lo up']
  topology.lans.forEach((lan, index) => {
    const mtu = `mtu ${lan.mtu ?? usualMtu}`
    lines.push(
      `link add lan${index} ${mtu} type bridge`,
      `link set lan${index} up`,
      `link add router${index} ${mtu} type veth peer name ${lan.name} ${mtu} netns ${pids.router}`,
      `link set router${index} master lan${index} up`,
    )
  })
  for (const node of nodes) {
    const index = topology.lans.indexOf(lanOf(topology, node))
    const mtu = `mtu ${topology.lans[index]?.mtu ?? usualMtu}`
    const pid = pidOf(pids, node.name)
    lines.push(
      `link add ${cableOf(node)} ${mtu} type veth peer name eth0 ${mtu} netns ${pid}`,
      `link set ${cableOf(node)} master lan${index} up`,
    )
  }
  return text(lines)
}

async function nodeSide(
  node: PlacedNode,
  nodes: readonly PlacedNode[],
  pid: number,
): Promise<void> {
  const neighbours = nodes.filter((other) => other.name !== node.name && other.lan === node.lan)
  const lines = [
    'link set lo up',
    `addr add ${node.address}/${node.prefix} dev eth0`,
    'link set eth0 up',
    `route add default via ${node.gateway}`,
    ...neighbours.map((other) => `route add ${other.podCidr} via ${other.address}`),
    // why: an address of this node's own pods that no pod has must not wander to the router and back
    `route add unreachable ${node.podCidr}`,
  ]
  await commandIn(pid, ['ip', '-batch', '-'], text(lines))
}

async function routerSide(
  topology: Topology,
  nodes: readonly PlacedNode[],
  pid: number,
): Promise<void> {
  const lines = [
    'link set lo up',
    ...topology.lans.flatMap((lan) => [
      `addr add ${routerAddress(lan)} dev ${lan.name}`,
      `link set ${lan.name} up`,
    ]),
    ...nodes
      .filter((node) => lanOf(topology, node).uplink === 'open')
      .map((node) => `route add ${node.podCidr} via ${node.address}`),
    'route add unreachable default',
  ]
  const closed = topology.lans.filter((lan) => lan.uplink === 'nat')
  await Promise.all([
    commandIn(pid, ['ip', '-batch', '-'], text(lines)),
    ...(closed.length === 0 ? [] : [commandIn(pid, ['nft', '-f', '-'], natRules(closed))]),
  ])
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

interface ShapedCable {
  readonly ends: readonly CableEnd[]
  readonly shape: LinkShape
}

/** Cables that are not left as they are: the nodes', and every LAN's to the router. */
function cables(
  topology: Topology,
  nodes: readonly PlacedNode[],
  pids: FabricPids,
): readonly ShapedCable[] {
  const own = process.pid
  return [
    ...topology.lans.flatMap(({ name, link: shape }, index) =>
      shape === undefined
        ? []
        : [
            {
              ends: [
                { pid: pids.router, device: name },
                { pid: own, device: `router${index}` },
              ],
              shape,
            },
          ],
    ),
    ...nodes.flatMap((node) => {
      const shape = linkOf(topology, node)
      const ends = [
        { pid: pidOf(pids, node.name), device: 'eth0' },
        { pid: own, device: cableOf(node) },
      ]
      return shape === undefined ? [] : [{ ends, shape }]
    }),
  ]
}

function routerAddress(lan: Lan): string {
  const [base = 0, prefix = 24] = parseCidr(lan.cidr) ?? []
  return `${formatAddress(base + 1)}/${prefix}`
}

function lanOf(topology: Topology, node: PlacedNode): Lan {
  const lan = topology.lans.find(({ name }) => name === node.lan)
  if (lan === undefined) throw new Error(`node ${node.name} stands in no LAN`)
  return lan
}

function pidOf(pids: FabricPids, node: string): number {
  const pid = pids.nodes.get(node)
  if (pid === undefined) throw new Error(`node ${node} has no namespaces`)
  return pid
}

function text(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`
}
