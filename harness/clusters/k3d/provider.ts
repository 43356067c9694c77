import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AbortOptions } from '../../model/abort.ts'
import type { Cluster, ClusterProvider, CreateOptions } from '../../model/cluster.ts'
import { ClusterError, HarnessError, type Problem } from '../../model/errors.ts'
import { ResourceStack } from '../../model/resource-stack.ts'
import type { Topology } from '../../model/topology.ts'
import { buildImage } from '../images/build.ts'
import { probeImage } from '../images/probe.ts'
import { assemble } from '../kind/assemble.ts'
import { output } from '../kind/cli.ts'
import { withKubeProxy } from '../kind/config.ts'
import { heal } from '../kind/leftovers.ts'
import { nodesReady } from '../kind/nodes-ready.ts'
import { namePrefix, removeCluster, removeClusterNow } from '../kind/remove-cluster.ts'
import { writeRecord } from '../kind/state.ts'
import { kubeClient } from '../kube/client.ts'
import { ownerOf } from '../owner.ts'
import { readKubeconfig } from '../remote/read-kubeconfig.ts'
import { containerNames, createArguments } from './arguments.ts'
import { k3dCli, networkOf } from './cli.ts'

export interface K3dInit {
  /** Folder of the installed package: the probe image is made of it. */
  readonly packageDirectory: string
  /** Image of k3s; k3d's default for its version when absent. */
  readonly nodeImage?: string
  readonly baseImage?: string
  /** `none` leaves every Service to the target; k3s has kube-proxy's mode iptables otherwise. */
  readonly kubeProxyMode?: 'iptables' | 'none'
  /** Images that Docker has and the nodes need. */
  readonly images?: readonly string[]
}

/** How long a removal may take; it is not given up with the run. */
const removalMs = 60_000

/** Clusters of k3s in Docker containers by the k3d CLI. */
export function k3d(init: K3dInit): ClusterProvider {
  return {
    id: 'k3d',
    preflight: (options) => preflight(init, options),
    create: (topology, options) => boot(init, topology, options),
  }
}

async function boot(init: K3dInit, wanted: Topology, options: CreateOptions): Promise<Cluster> {
  await using held = new ResourceStack()
  const { signal, runId, progress } = options
  const { kubeProxyMode = 'iptables', packageDirectory } = init
  const topology = withKubeProxy(wanted, kubeProxyMode)
  const name = `${namePrefix}${runId}`.toLowerCase().slice(0, longestName)
  const argv = createArguments(topology, { ...init, name, kubeProxy: kubeProxyMode !== 'none' })
  const version = await k3dCli.version({ signal })
  if ((await k3dCli.clusters({ signal })).includes(name))
    throw new ClusterError('provision-failed', `a k3d cluster ${name} exists already`, {
      hint: `k3d cluster delete ${name}`,
    })
  for (const line of await heal({ signal })) progress?.(`${line}, which a dead run had left`)
  options.lastResort?.(() => {
    removeClusterNow(name)
  })
  held.defer(() => removeCluster(name, { signal: AbortSignal.timeout(removalMs) }))
  const owner = await ownerOf(process.pid)
  const record = { name, provider: 'k3d', owner, kept: false, topology, kubeProxyMode } as const
  const folder = await writeRecord(record)
  progress?.(`k3d ${version} creates ${topology.nodes.length} nodes`)
  await k3dCli.create(argv, { signal })
  const kubeconfig = join(folder, 'kubeconfig')
  await writeFile(kubeconfig, await k3dCli.kubeconfig(name, { signal }), { mode: 0o600 })
  const built = await Promise.all([
    probeImage(init, options),
    ...(options.images ?? []).map(({ name: image, ...source }) =>
      buildImage(image, { packageDirectory, ...source }, options),
    ),
  ])
  const references = built.map(({ reference }) => reference)
  await k3dCli.load(name, [...references, ...(init.images ?? [])], { signal })
  const kube = kubeClient(readKubeconfig(kubeconfig))
  try {
    await nodesReady(
      kube,
      topology.nodes.map((node) => node.name),
      { signal },
    )
  } finally {
    await kube[Symbol.asyncDispose]()
  }
  const removal = new ResourceStack()
  const cluster = await assemble(
    {
      provider: 'k3d',
      isOwn: true,
      network: networkOf(name),
      podNetwork: 'flannel host-gw',
      name,
      runId,
      topology,
      containers: containerNames(name, topology),
      kubeconfig,
      probeImage: references[0] ?? '',
      packageDirectory,
      kubeProxyMode,
      version,
      load: (images, each) => k3dCli.load(name, images, each),
      release: () => removal[Symbol.asyncDispose](),
      stays: () => false,
    },
    { signal },
  )
  removal.use(held.move())
  return cluster
}

/** k3d takes names of at most so many characters. */
const longestName = 32

async function preflight(
  { images = [], nodeImage }: K3dInit,
  options: AbortOptions,
): Promise<readonly Problem[]> {
  const problems: Problem[] = []
  const look = async (subject: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof HarnessError)) throw error
      const { message, hint } = error
      problems.push({ subject, message, ...(hint !== undefined && { cure: hint }) })
    }
  }
  await look('k3d', () => k3dCli.version(options))
  const server = ['docker', 'version', '--format', '{{.Server.Version}}']
  await look('docker', () => output(server, options))
  if (problems.length > 0) return problems
  for (const image of [...(nodeImage === undefined ? [] : [nodeImage]), ...images])
    await look(`image ${image}`, () =>
      output(['docker', 'image', 'inspect', '--format', '{{.Id}}', image], options),
    )
  return problems
}
