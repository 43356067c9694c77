import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AbortOptions } from '../../model/abort.ts'
import type {
  Capability,
  Cluster,
  ClusterNode,
  Position,
  ProgramChannel,
  ProgramName,
  SpawnOptions,
} from '../../model/cluster.ts'
import { ClusterError } from '../../model/errors.ts'
import type { KubeClient } from '../../model/kubernetes.ts'
import type { ResourceStack } from '../../model/resource-stack.ts'
import type { Topology } from '../../model/topology.ts'
import { buildImage } from '../images/build.ts'
import { probeImageDirectory } from '../images/probe.ts'
import { applyManifests } from '../kube/apply.ts'
import type { RunMark } from '../kube/run-mark.ts'
import { builtInTypes } from '../kube/types.ts'
import { kindCli } from './cli.ts'
import { dockerExec } from './docker-exec.ts'
import { breakSomething, type FaultsInit } from './faults.ts'
import { type Positions, positions } from './positions.ts'

/** Port of kubeadm's API servers. */
const apiPort = 6443

export interface KindClusterInit {
  readonly provider: string
  /** Docker network of the nodes. */
  readonly network: string
  readonly name: string
  readonly mark: RunMark
  readonly topology: Topology
  readonly nodes: readonly ClusterNode[]
  /** Docker container of each node. */
  readonly containers: ReadonlyMap<string, string>
  readonly kube: KubeClient
  readonly kubeconfig: string
  readonly probeImage: string
  readonly packageDirectory: string
  readonly masterAddress: string
  readonly capabilities: ReadonlySet<Capability>
  readonly description: Readonly<Record<string, string>>
  /** What a node that was stopped has lost: the closed way out, name servers. */
  readonly prepare: (containers: readonly string[], options: AbortOptions) => Promise<void>
  readonly keep?: (target?: string) => Promise<void>
  readonly load: (references: readonly string[], options: AbortOptions) => Promise<void>
  /** See Cluster. */
  readonly kubeProxyConnections?: (options: AbortOptions) => Promise<number | undefined>
  readonly held: ResourceStack
}

/** A booted cluster of provider kind. */
export function kindCluster(init: KindClusterInit): Cluster {
  const { kube, containers, held } = init
  const stands = positions({ kube, image: init.probeImage, containers })
  return {
    provider: init.provider,
    name: init.name,
    ...(init.keep !== undefined && { keep: init.keep }),
    capabilities: init.capabilities,
    kubeconfig: init.kubeconfig,
    apiServer: `https://${init.masterAddress}:${apiPort}`,
    topology: init.topology,
    nodes: init.nodes,
    description: init.description,
    kube,
    spawn: (at, program, options) => spawnAt(init, stands, at, program, options),
    apply: (manifests, options) => applyManifests(kube, manifests, { ...options, mark: init.mark }),
    loadImage: async ({ name, ...source }, options) => {
      const { packageDirectory } = init
      const { reference } = await buildImage(name, { packageDirectory, ...source }, options)
      await init.load([reference], options)
      return reference
    },
    ...(init.kubeProxyConnections !== undefined && {
      kubeProxyConnections: init.kubeProxyConnections,
    }),
    fault: (fault, options) => breakSomething(faultsInit(init, stands), fault, options),
    collect: (directory, options) => collect(init, directory, options),
    [Symbol.asyncDispose]: () => held[Symbol.asyncDispose](),
  }
}

function faultsInit(init: KindClusterInit, stands: Positions): FaultsInit {
  const { name, kube, masterAddress, nodes } = init
  return {
    name,
    network: init.network,
    kube,
    masterAddress,
    nodeNames: nodes.map((node) => node.name),
    containerOf: (node) => containerOf(init, node),
    restarted: async (node, options) => {
      stands.forget(node)
      await init.prepare([containerOf(init, node)], options)
    },
  }
}

async function spawnAt(
  init: KindClusterInit,
  stands: Positions,
  at: Position,
  program: ProgramName,
  options: SpawnOptions,
): Promise<ProgramChannel> {
  const container = containerOf(init, at.node)
  const argv = [...programArgv(program), ...(options.args ?? [])]
  if (argv.length === 0) throw new ClusterError('program-failed', 'shell: got no program to run')
  const pid = await stands.pidAt(at, options)
  const { cpus = [] } = options
  return dockerExec(
    container,
    [
      ...(cpus.length === 0 ? [] : ['taskset', '-c', cpus.join(',')]),
      // why: into the namespaces of the pod, without asking the API, which a fault may have cut off
      ...['nsenter', '--target', String(pid), '--mount', '--uts', '--ipc', '--net', '--pid'],
      ...['env', `PATH=${path}`, ...argv],
    ],
    options,
  )
}

const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

function programArgv(program: ProgramName): readonly string[] {
  if (program === 'shell') return []
  const folder = program === 'probe' ? 'probes' : 'load'
  return ['node', `${probeImageDirectory}/dist/harness/${folder}/main.js`]
}

function containerOf({ containers }: KindClusterInit, node: string): string {
  const container = containers.get(node)
  if (container === undefined)
    throw new ClusterError('program-failed', `there is no node ${node}`, {
      hint: `nodes: ${[...containers.keys()].join(', ')}`,
    })
  return container
}

/** Types whose objects nobody should find in a report. */
const secretTypes = ['secrets']

/** Every object, and what `kind export logs` has; what cannot be had is named in `problems.txt`. */
async function collect(
  { name, kube }: KindClusterInit,
  directory: string,
  { signal }: AbortOptions,
): Promise<void> {
  await mkdir(directory, { recursive: true })
  const problems: string[] = []
  const each = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      problems.push(`${what}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  for (const type of builtInTypes.filter(({ plural }) => !secretTypes.includes(plural)))
    await each(type.plural, async () => {
      const { items } = await kube.list(type, { signal })
      const file = `${type.plural}${type.group === '' ? '' : `.${type.group}`}.json`
      if (items.length > 0) await writeFile(join(directory, file), JSON.stringify(items, null, 2))
    })
  await each('logs', () => kindCli.exportLogs(name, join(directory, 'logs'), { signal }))
  if (problems.length > 0) await writeFile(join(directory, 'problems.txt'), problems.join('\n'))
  signal.throwIfAborted()
}
