import { readFile, writeFile } from 'node:fs/promises'
import { release } from 'node:os'
import { join } from 'node:path'
import type { AbortOptions } from '../../model/abort.ts'
import type { Capability, Cluster, CreateOptions, Programs } from '../../model/cluster.ts'
import type { ClusterError } from '../../model/errors.ts'
import type { KubeClient } from '../../model/kubernetes.ts'
import { ResourceStack } from '../../model/resource-stack.ts'
import type { Topology } from '../../model/topology.ts'
import { kubeClient } from '../kube/client.ts'
import { kubeconfig } from '../kube/kubeconfig.ts'
import { withUpstreamAddresses } from '../upstream-dns.ts'
import { openApiDoor } from './api-door.ts'
import { localCluster } from './cluster.ts'
import { type ControlPlanePrograms, findControlPlanePrograms } from './envtest/programs.ts'
import { nodesReady } from './nodes-ready.ts'
import type { LocalInit } from './provider.ts'
import {
  diskError,
  makeRunDirectory,
  removeRunDirectory,
  removeRunDirectoryNow,
  removeStaleRunDirectories,
} from './run-directory.ts'
import { startSandbox } from './sandbox/client.ts'
import { apiPort } from './sandbox/cluster-components.ts'
import { writeTokens } from './tokens.ts'
import { placeNodes } from './topology.ts'
import { validateTopology } from './validate-topology.ts'

/** How long nodes may take to be Ready once their kubelets run. */
const readyMs = 30_000

/**
 * Boots a cluster and resolves when every node is Ready; when that fails, everything is undone.
 * @throws UsageError for a topology that is wrong, ClusterError for a machine that cannot
 */
export async function bootCluster(
  init: LocalInit,
  wanted: Topology,
  options: CreateOptions,
): Promise<Cluster> {
  options.signal.throwIfAborted()
  validateTopology(wanted)
  const topology = withUpstreamAddresses(wanted, placeNodes(wanted))
  const programs = init.controlPlane === 'envtest' ? findControlPlanePrograms() : undefined
  const targetPrograms = await options.programs?.()
  const held = new ResourceStack()
  try {
    return await boot({ ...init, programs, targetPrograms }, topology, options, held)
  } catch (error) {
    await held[Symbol.asyncDispose]()
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC')
      throw diskError(error, 'the folder of the run')
    throw error
  }
}

async function boot(
  init: LocalInit & {
    readonly programs: ControlPlanePrograms | undefined
    readonly targetPrograms: Programs | undefined
  },
  topology: Topology,
  { runId, signal, progress, lastResort }: CreateOptions,
  held: ResourceStack,
): Promise<Cluster> {
  const cleaned = removeStaleRunDirectories()
  const runDirectory = await makeRunDirectory(runId, (directory) => {
    lastResort?.(() => {
      removeRunDirectoryNow(directory)
    })
  })
  let usesSudo = false
  held.defer(() => removeRunDirectory(runDirectory, usesSudo))
  const inRun = (name: string): string => join(runDirectory, name)
  const door = held.use(await openApiDoor(inRun('api.sock'), init.port ?? 0))
  const tokens = await writeTokens(runDirectory, topology.nodes)
  const { packageDirectory, programs, targetPrograms } = init
  const sandbox = held.use(
    await startSandbox(
      {
        runDirectory,
        packageDirectory,
        topology,
        nodeTokens: tokens.nodes,
        ...(programs !== undefined && { controlPlanePrograms: programs }),
        ...(targetPrograms !== undefined && { programs: targetPrograms }),
      },
      {
        signal,
        progress: progress ?? ((): void => undefined),
        onLaunch: (kill, privilege) => {
          usesSudo = privilege === 'sudo'
          lastResort?.(kill)
        },
      },
    ),
  )
  const ca = await readFile(inRun('pki/ca.crt'), 'utf8')
  const server = `https://127.0.0.1:${door.port}`
  const access = { server, ca, token: tokens.admin }
  const kube = held.use(kubeClient({ ...access, socketPath: inRun('api.sock') }))
  await Promise.all([
    writeFile(inRun('kubeconfig'), kubeconfig({ ...access, name: 'meshmark' }), { mode: 0o600 }),
    orBroken(nodesReady(kube, topology.nodes.length, readyMs, { signal }), sandbox.broken),
    cleaned,
  ])
  const nodes = placeNodes(topology)
  const master = nodes.find(({ role }) => role === 'master')
  return localCluster({
    topology,
    nodes,
    capabilities: new Set<Capability>([
      ...(['multi-node', 'multi-lan', 'node-access', 'node-fault'] as const),
      ...(['own-cluster', 'definitions'] as const),
      // why: only the embedded API server has a door for faults
      ...(programs === undefined ? (['api-fault'] as const) : []),
      ...(topology.upstreamDns === undefined ? [] : (['upstream-dns'] as const)),
      ...sandbox.capabilities,
    ]),
    runDirectory,
    sandbox,
    kube,
    kubeconfig: inRun('kubeconfig'),
    packageDirectory,
    apiServer: `https://${master?.address ?? ''}:${apiPort}`,
    description: {
      kubernetes: await versionOf(kube, programs, { signal }),
      namespaces: sandbox.privilege,
      kernel: release(),
      'pod network': 'routed, one veth pair a pod',
    },
    held: held.move(),
  })
}

async function versionOf(
  kube: KubeClient,
  programs: ControlPlanePrograms | undefined,
  options: AbortOptions,
): Promise<string> {
  const { body } = await kube.request('GET', '/version', options)
  const { gitVersion = '' } = JSON.parse(body) as { readonly gitVersion?: string }
  return `${gitVersion} (${programs === undefined ? 'meshmark local' : 'kube-apiserver, etcd; controllers and kubelets of meshmark'})`
}

/** Waits for something that will never come once the sandbox is broken. */
function orBroken<T>(work: Promise<T>, broken: Promise<ClusterError>): Promise<T> {
  return Promise.race([
    work,
    broken.then((error) => {
      throw error
    }),
  ])
}
