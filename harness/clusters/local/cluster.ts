import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AbortOptions } from '../../model/abort.ts'
import type { Capability, Cluster, Fault, Position, ProgramName } from '../../model/cluster.ts'
import { ClusterError } from '../../model/errors.ts'
import type { KubeClient } from '../../model/kubernetes.ts'
import type { ResourceStack } from '../../model/resource-stack.ts'
import type { Topology } from '../../model/topology.ts'
import { applyManifests } from '../kube/apply.ts'
import { builtInTypes } from '../kube/types.ts'
import { injectApiFault } from './admin.ts'
import { probePods } from './probe-pods.ts'
import type { Sandbox } from './sandbox/client.ts'
import type { PlacedNode } from './topology.ts'

export interface LocalClusterInit {
  readonly topology: Topology
  readonly nodes: readonly PlacedNode[]
  readonly capabilities: ReadonlySet<Capability>
  readonly runDirectory: string
  readonly sandbox: Sandbox
  readonly kube: KubeClient
  readonly kubeconfig: string
  readonly packageDirectory: string
  readonly apiServer: string
  readonly description: Readonly<Record<string, string>>
  /** Everything that was acquired on the way; disposed with the cluster. */
  readonly held: ResourceStack
}

/** A booted cluster of provider local. */
export function localCluster(init: LocalClusterInit): Cluster {
  const { sandbox, kube } = init
  const pods = probePods(kube)
  return {
    provider: 'local',
    capabilities: init.capabilities,
    kubeconfig: init.kubeconfig,
    apiServer: init.apiServer,
    topology: init.topology,
    nodes: init.nodes.map(({ name, role, address, lan }) => ({ name, role, address, lan })),
    description: init.description,
    kube,
    spawn: async (at, program, options) => {
      knownNode(init, at)
      const podUid = at.network === 'container' ? await pods.on(at.node, options) : undefined
      const argv = [...programArgv(init.packageDirectory, program), ...(options.args ?? [])]
      return sandbox.exec(
        {
          node: at.node,
          argv,
          ...(podUid !== undefined && { podUid }),
          ...(options.cpus !== undefined && { cpus: options.cpus }),
        },
        options,
      )
    },
    apply: (manifests, options) => applyManifests(kube, manifests, options),
    fault: (fault, options) => breakSomething(init, fault, options),
    collect: (directory, options) => collect(init, directory, options),
    [Symbol.asyncDispose]: () => init.held[Symbol.asyncDispose](),
  }
}

function knownNode({ nodes }: LocalClusterInit, at: Position): void {
  if (nodes.some(({ name }) => name === at.node)) return
  const names = nodes.map(({ name }) => name).join(', ')
  throw new ClusterError('program-failed', `there is no node ${at.node}`, {
    hint: `nodes: ${names}`,
  })
}

function programArgv(packageDirectory: string, program: ProgramName): readonly string[] {
  if (program === 'shell') return []
  const folder = program === 'probe' ? 'probes' : 'load'
  return [process.execPath, join(packageDirectory, 'dist', 'harness', folder, 'main.js')]
}

function breakSomething(
  { sandbox, runDirectory }: LocalClusterInit,
  fault: Fault,
  options: AbortOptions,
): Promise<AsyncDisposable> {
  return fault.kind === 'api'
    ? injectApiFault(join(runDirectory, 'admin.sock'), fault.behaviour, options)
    : sandbox.fault(fault, options)
}

/** Commands whose output tells how a node's network stands. */
const nodeViews: Readonly<Record<string, readonly string[]>> = {
  'nft-ruleset': ['nft', 'list', 'ruleset'],
  addresses: ['ip', 'addr'],
  routes: ['ip', 'route', 'show', 'table', 'all'],
  sockets: ['ss', '-ntlup'],
}

async function collect(
  init: LocalClusterInit,
  directory: string,
  options: AbortOptions,
): Promise<void> {
  await mkdir(directory, { recursive: true })
  await cp(join(init.runDirectory, 'logs'), join(directory, 'logs'), { recursive: true })
  await Promise.all([
    ...builtInTypes
      .filter(({ plural }) => plural !== 'secrets')
      .map(async (type) => {
        const list = await init.kube.list(type, options).catch(() => undefined)
        if (list !== undefined && list.items.length > 0)
          await writeFile(
            join(directory, `${type.plural}.json`),
            JSON.stringify(list.items, null, 2),
          )
      }),
    ...init.nodes.flatMap(({ name }) =>
      Object.entries(nodeViews).map(async ([view, argv]) => {
        await writeFile(
          join(directory, `${name}-${view}.txt`),
          await outputOf(init, name, argv, options),
        )
      }),
    ),
  ])
}

async function outputOf(
  { sandbox }: LocalClusterInit,
  node: string,
  argv: readonly string[],
  options: AbortOptions,
): Promise<string> {
  try {
    await using channel = await sandbox.exec({ node, argv }, options)
    channel.end()
    const lines: string[] = []
    for await (const line of channel.messages)
      lines.push(typeof line === 'string' ? line : JSON.stringify(line))
    const { stderr } = await channel.exited
    return `${lines.join('\n')}\n${stderr}`
  } catch (error) {
    return `${argv.join(' ')}: ${String(error)}\n`
  }
}
