import { join } from 'node:path'
import type { AbortOptions } from '../../model/abort.ts'
import type {
  Capability,
  Cluster,
  Fault,
  Position,
  ProgramChannel,
  ProgramName,
  SpawnOptions,
} from '../../model/cluster.ts'
import { ClusterError } from '../../model/errors.ts'
import type { KubeClient } from '../../model/kubernetes.ts'
import type { ResourceStack } from '../../model/resource-stack.ts'
import type { Topology } from '../../model/topology.ts'
import { applyManifests } from '../kube/apply.ts'
import { injectApiFault } from './admin.ts'
import { collectEvidence } from './collect.ts'
import { type ProbePods, probePods } from './probe-pods.ts'
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
  const { kube } = init
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
    spawn: (at, program, options) => spawnAt(init, pods, at, program, options),
    apply: (manifests, options) => applyManifests(kube, manifests, options),
    fault: (fault, options) => breakSomething(init, fault, options),
    collect: (directory, options) => collectEvidence(init, directory, options),
    [Symbol.asyncDispose]: () => init.held[Symbol.asyncDispose](),
  }
}

async function spawnAt(
  { sandbox, nodes, packageDirectory }: LocalClusterInit,
  pods: ProbePods,
  { node, network }: Position,
  program: ProgramName,
  options: SpawnOptions,
): Promise<ProgramChannel> {
  if (!nodes.some(({ name }) => name === node))
    throw new ClusterError('program-failed', `there is no node ${node}`, {
      hint: `nodes: ${nodes.map(({ name }) => name).join(', ')}`,
    })
  const argv = [...programArgv(packageDirectory, program), ...(options.args ?? [])]
  if (argv.length === 0) throw new ClusterError('program-failed', 'shell: got no program to run')
  const { cpus } = options
  const request = { node, argv, ...(cpus !== undefined && { cpus }) }
  if (network === 'host') return sandbox.exec(request, options)
  const podUid = await pods.on(node, options)
  try {
    return await sandbox.exec({ ...request, podUid }, options)
  } catch (error) {
    // why: somebody may have deleted the pod since; with a new one it works
    if (!pods.forget(node, podUid) || !isLost(error)) throw error
    return sandbox.exec({ ...request, podUid: await pods.on(node, options) }, options)
  }
}

function isLost(error: unknown): boolean {
  return error instanceof ClusterError && error.message.includes('there is no pod')
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
  switch (fault.kind) {
    case 'api':
      return injectApiFault(join(runDirectory, 'admin.sock'), fault.behaviour, options)
    case 'stop-node':
    case 'kill-component':
      throw new ClusterError('fault-failed', `provider local cannot do ${fault.kind} yet`, {
        hint: 'use --provider kind for this',
      })
    default:
      return sandbox.fault(fault, options)
  }
}
