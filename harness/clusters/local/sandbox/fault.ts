import type { LinkShape, Topology } from '../../../model/topology.ts'
import { command } from '../network/command.ts'
import { cableOf, linkOf } from '../network/fabric.ts'
import { shapeCable, shapeProblem } from '../network/shape.ts'
import type { PlacedNode } from '../topology.ts'
import type { NetworkFault } from './config.ts'

export interface FaultsInit {
  readonly topology: Topology
  readonly nodes: readonly PlacedNode[]
  readonly holders: ReadonlyMap<string, number>
  /** What traffic control can do here. */
  readonly capabilities: () => Promise<ReadonlySet<string>>
}

/** Breaks something of the network; the function that it gives mends it. */
export type ApplyFault = (fault: NetworkFault) => Promise<() => Promise<void>>

/** One cable with the faults that it has now: it is as bad as the last one asks, and whole again after all of them. */
interface Cable {
  readonly shapes: LinkShape[]
  cuts: number
  /** Changes happen one after the other. */
  queue: Promise<void>
}

export function faults(init: FaultsInit): ApplyFault {
  const cables = new Map<string, Cable>()
  return async (fault) => {
    const node = init.nodes.find(({ name }) => name === fault.node)
    const holder = init.holders.get(fault.node)
    if (node === undefined || holder === undefined) {
      const names = init.nodes.map(({ name }) => name).join(', ')
      throw new Error(`there is no node ${fault.node}; nodes: ${names}`)
    }
    const cable = cables.get(node.name) ?? { shapes: [], cuts: 0, queue: Promise.resolve() }
    cables.set(node.name, cable)
    if (fault.kind === 'link') return slowDown(init, node, holder, cable, fault.shape)
    if (fault.from === 'all') return cut(node, cable)
    return cutFromControlPlane(node, init.nodes)
  }
}

async function slowDown(
  { topology, capabilities }: FaultsInit,
  node: PlacedNode,
  holder: number,
  cable: Cable,
  shape: LinkShape,
): Promise<() => Promise<void>> {
  const problem = shapeProblem(shape, await capabilities())
  if (problem !== undefined) throw new Error(`${node.name}: ${problem}`)
  const ends = [
    { pid: holder, device: 'eth0' },
    { pid: process.pid, device: cableOf(node) },
  ]
  const update = (): Promise<void> =>
    inTurn(cable, () => shapeCable(ends, cable.shapes.at(-1) ?? linkOf(topology, node) ?? {}))
  // why: an object of its own, so that of two equal shapes the right one is taken off
  const own = { ...shape }
  return change(
    update,
    () => cable.shapes.push(own),
    () => cable.shapes.splice(cable.shapes.indexOf(own), 1),
  )
}

/** Notes something down and brings it about; what it gives takes it back. Nothing is noted when it fails. */
async function change(
  update: () => Promise<void>,
  note: () => void,
  takeBack: () => void,
): Promise<() => Promise<void>> {
  note()
  try {
    await update()
  } catch (error) {
    takeBack()
    throw error
  }
  return () => {
    takeBack()
    return update()
  }
}

function cut(node: PlacedNode, cable: Cable): Promise<() => Promise<void>> {
  const update = (): Promise<void> =>
    inTurn(cable, async () => {
      await command(['ip', 'link', 'set', cableOf(node), cable.cuts > 0 ? 'down' : 'up'])
    })
  return change(
    update,
    () => (cable.cuts += 1),
    () => (cable.cuts -= 1),
  )
}

function inTurn(cable: Cable, change: () => Promise<void>): Promise<void> {
  const done = cable.queue.then(change)
  cable.queue = done.catch(() => undefined)
  return done
}

let lastTable = 0

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
