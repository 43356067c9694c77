import { createInterface } from 'node:readline'
import { buildFabric, type FabricPids } from '../network/fabric.ts'
import { shapeProblem, shapingCapabilities } from '../network/shape.ts'
import { placeNodes, type PlacedNode } from '../topology.ts'
import { controlPlane, kubelet } from './cluster-components.ts'
import { type ComponentInit, startComponent } from './components.ts'
import type { SandboxConfig, SandboxEvent } from './config.ts'
import { serveControl } from './control.ts'
import { execIn } from './exec.ts'
import { faults } from './fault.ts'
import { holdNode, holdRouter } from './holder.ts'
import { keptOf, mountRun, placesOfOwnFiles } from './mounts.ts'

/*
 * The first program of the sandbox. It lives as long as its stdin: when the harness ends, however it ends, stdin ends,
 * this process exits, its parent (process 1, a shell that reaps orphans) ends with it, and the kernel kills everything
 * else in the pid namespace and takes the networks down.
 */

function tell(event: SandboxEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`)
}

function fail(error: unknown): void {
  tell({ event: 'failed', message: error instanceof Error ? error.message : String(error) })
}

function firstLine(): Promise<string> {
  return new Promise((resolve) => {
    const lines = createInterface({ input: process.stdin })
    lines.once('line', resolve)
    lines.once('close', () => {
      process.exit(0)
    })
  })
}

function start(component: Omit<ComponentInit, 'onExit'>): Promise<void> {
  return startComponent({ ...component, onExit: fail })
}

async function boot(config: SandboxConfig): Promise<void> {
  const { topology } = config
  const shaping = shapingCapabilities()
  const capabilities = async (): Promise<ReadonlySet<string>> => new Set(await shaping)
  await mountRun(config)
  const nodes = placeNodes(topology)
  tell({ event: 'progress', line: `networks for ${nodes.map(({ name }) => name).join(', ')}` })
  const { router, holders } = await hold(config, nodes)
  const holderOf = ({ name }: PlacedNode): number => holders.get(name) ?? 0
  const master = nodes.find(({ role }) => role === 'master')
  if (master === undefined) throw new Error('the topology has no master')
  // why: it takes longest to start, and needs no cables for most of that
  const api = start(controlPlane(config, master, holderOf(master)))
  await Promise.all([
    api,
    serveControl({
      exec: (request, socket, rest) => {
        execIn(holders, request, socket, rest)
      },
      fault: faults({ topology, nodes, holders, capabilities }),
    }),
    connectNodes(config, nodes, { nodes: holders, router }, capabilities).then(async () => {
      tell({ event: 'progress', line: 'control plane and kubelets' })
      const kubelets = nodes.map((node) => kubelet(config, node, master, holderOf(node)))
      await Promise.all(kubelets.map(start))
    }),
  ])
  tell({ event: 'ready', capabilities: await shaping })
}

/** Makes the namespaces of the router and of every node. */
async function hold(
  { packageDirectory, topology }: SandboxConfig,
  nodes: readonly PlacedNode[],
): Promise<{ readonly router: number; readonly holders: ReadonlyMap<string, number> }> {
  const init = {
    nodes,
    places: await placesOfOwnFiles(),
    kept: keptOf(packageDirectory),
    upstreamDns: topology.upstreamDns,
  }
  const [router, ...pids] = await Promise.all([
    holdRouter(),
    ...nodes.map((node) => holdNode(node, init)),
  ])
  return { router, holders: new Map(nodes.map(({ name }, index) => [name, pids[index] ?? 0])) }
}

/**
 * Lays the cables.
 * @throws Error naming the first LAN or node whose shape this kernel cannot give
 */
async function connectNodes(
  { topology }: SandboxConfig,
  nodes: readonly PlacedNode[],
  pids: FabricPids,
  capabilities: () => Promise<ReadonlySet<string>>,
): Promise<void> {
  for (const { name, link } of [...topology.lans, ...topology.nodes]) {
    if (link === undefined) continue
    const problem = shapeProblem(link, await capabilities())
    if (problem !== undefined) throw new Error(`${name}: ${problem}`)
  }
  await buildFabric(topology, nodes, pids)
}

try {
  const config = JSON.parse(await firstLine()) as SandboxConfig
  tell({ event: 'alive' })
  await boot(config)
} catch (error) {
  fail(error)
}
