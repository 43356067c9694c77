import { command } from '../network/command.ts'
import { cableOf } from '../network/fabric.ts'
import { shapeLink, unshapeLink } from '../network/shape.ts'
import type { PlacedNode } from '../topology.ts'
import type { NetworkFault } from './config.ts'

let lastTable = 0

/** Breaks cables; the function that it gives mends them. */
export async function applyFault(
  fault: NetworkFault,
  nodes: readonly PlacedNode[],
  holders: ReadonlyMap<string, number>,
): Promise<() => Promise<void>> {
  const node = nodes.find(({ name }) => name === fault.node)
  const holder = holders.get(fault.node)
  if (node === undefined || holder === undefined) throw new Error(`there is no node ${fault.node}`)
  if (fault.kind === 'link') return slowDown(node, holder, fault.shape)
  if (fault.from === 'all') {
    await command(['ip', 'link', 'set', cableOf(node), 'down'])
    return async () => {
      await command(['ip', 'link', 'set', cableOf(node), 'up'])
    }
  }
  return cutFromControlPlane(node, nodes)
}

async function slowDown(
  node: PlacedNode,
  holder: number,
  shape: Extract<NetworkFault, { kind: 'link' }>['shape'],
): Promise<() => Promise<void>> {
  const own = process.pid
  await shapeLink(holder, 'eth0', shape)
  await shapeLink(own, cableOf(node), shape)
  return async () => {
    await Promise.all([unshapeLink(holder, 'eth0'), unshapeLink(own, cableOf(node))])
  }
}

/** Drops packets between a node and the master on the bridge: outside both, so no target's rules are touched. */
async function cutFromControlPlane(
  node: PlacedNode,
  nodes: readonly PlacedNode[],
): Promise<() => Promise<void>> {
  const master = nodes.find(({ role }) => role === 'master')
  if (master === undefined || master.name === node.name)
    throw new Error(`${node.name} cannot be cut from the control plane: it is the control plane`)
  lastTable += 1
  const table = `cut${lastTable}`
  const own = `{ ${node.address}, ${node.podCidr} }`
  await command(
    ['nft', '-f', '-'],
    `table bridge ${table} {
  chain forward {
    type filter hook forward priority 0; policy accept;
    ip saddr ${own} ip daddr ${master.address} drop
    ip saddr ${master.address} ip daddr ${own} drop
  }
}
`,
  )
  return async () => {
    await command(['nft', 'delete', 'table', 'bridge', table])
  }
}
