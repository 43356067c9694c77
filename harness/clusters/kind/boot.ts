import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cluster, ClusterNode, CreateOptions } from '../../model/cluster.ts'
import { ClusterError } from '../../model/errors.ts'
import type { KubeClient } from '../../model/kubernetes.ts'
import { ResourceStack } from '../../model/resource-stack.ts'
import type { Topology } from '../../model/topology.ts'
import { probeImage } from '../images/probe.ts'
import { kubeClient } from '../kube/client.ts'
import { nodes as nodeType } from '../kube/types.ts'
import { readKubeconfig } from '../remote/read-kubeconfig.ts'
import { ended, kindCli, output } from './cli.ts'
import { kindCluster } from './cluster.ts'
import { containerNames, kindConfig, type KubeProxyMode } from './config.ts'
import { nodesReady } from './nodes-ready.ts'
import { closedWayOut } from './rules.ts'

export interface KindInit {
  /** Folder of the installed package: the probe image is made of it. */
  readonly packageDirectory: string
  /** Image of the nodes; that of the kind CLI's own version when absent. */
  readonly nodeImage?: string
  /** Base of the images that are built, `node:20-bookworm-slim` by default. */
  readonly baseImage?: string
  /** `iptables` by default; `none` leaves Services to the target. */
  readonly kubeProxyMode?: KubeProxyMode
  /** Images that Docker has and the nodes need; none is pulled during a run. */
  readonly images?: readonly string[]
}

/** How long a removal may take; it must not be given up with the run. */
const removalMs = 60_000

/** Boots a cluster named `meshmark-<run id>`; nothing is left behind when that fails or is aborted. */
export async function bootKind(
  init: KindInit,
  topology: Topology,
  options: CreateOptions,
): Promise<Cluster> {
  await using held = new ResourceStack()
  const { signal, runId, progress } = options
  const name = `meshmark-${runId}`.toLowerCase()
  const config = kindConfig(topology, { kubeProxyMode: 'iptables', ...init, name })
  const version = await kindCli.version({ signal })
  const image = probeImage(init, { signal, ...(progress !== undefined && { progress }) })
  image.catch(() => undefined)
  const runDirectory = await mkdtemp(join(tmpdir(), `meshmark-kind-${runId}-`))
  held.defer(() => rm(runDirectory, { recursive: true, force: true }))
  const kubeconfig = join(runDirectory, 'kubeconfig')
  const configFile = join(runDirectory, 'kind.yaml')
  await writeFile(configFile, config)
  if ((await kindCli.clusters({ signal })).includes(name))
    throw new ClusterError('provision-failed', `a kind cluster ${name} exists already`, {
      hint: `kind delete cluster --name ${name}`,
    })
  options.lastResort?.(() => {
    removeAtOnce(name)
  })
  held.defer(() => kindCli.delete(name, kubeconfig, { signal: AbortSignal.timeout(removalMs) }))
  progress?.(`kind ${version} creates ${topology.nodes.length} nodes`)
  await kindCli.create(name, configFile, kubeconfig, { signal })
  const kube = held.use(kubeClient(readKubeconfig(kubeconfig)))
  const containers = containerNames(name, topology)
  const [nodes] = await Promise.all([
    placed(topology, containers, signal),
    nodesReady(kube, topology.nodes.length, { signal }),
    image.then(({ reference }) =>
      kindCli.load(name, [reference, ...(init.images ?? [])], { signal }),
    ),
  ])
  await labelRoles(kube, nodes, signal)
  await closeWayOut(topology, [...containers.values()], signal)
  const master = nodes.find(({ role }) => role === 'master')
  return kindCluster({
    name,
    topology,
    nodes,
    containers,
    kube,
    kubeconfig,
    packageDirectory: init.packageDirectory,
    probeImage: (await image).reference,
    masterAddress: master?.address ?? '',
    description: await described(kube, init, version, signal),
    held: held.move(),
  })
}

/** For a harness that leaves without waiting: the nodes' containers bear kind's label. */
function removeAtOnce(name: string): void {
  const label = `label=io.x-k8s.kind.cluster=${name}`
  const { stdout } = spawnSync('docker', ['ps', '-aq', '--filter', label], { encoding: 'utf8' })
  const ids = stdout.split('\n').filter((id) => id !== '')
  if (ids.length > 0) spawnSync('docker', ['rm', '-f', '-v', ...ids])
}

async function placed(
  { nodes, lans }: Topology,
  containers: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<readonly ClusterNode[]> {
  const format = '{{.NetworkSettings.Networks.kind.IPAddress}}'
  return Promise.all(
    nodes.map(async ({ name, role }) => {
      const container = containers.get(name) ?? ''
      const address = await output(['docker', 'inspect', '-f', format, container], { signal })
      return { name, role, lan: lans[0]?.name ?? '', address: address.trim() }
    }),
  )
}

/** A kubelet may not give itself roles. */
async function labelRoles(
  kube: KubeClient,
  nodes: readonly ClusterNode[],
  signal: AbortSignal,
): Promise<void> {
  for (const { name, role } of nodes) {
    if (role !== 'edge') continue
    const labels = { 'node-role.kubernetes.io/edge': '' }
    await kube.patch(nodeType, { name }, { metadata: { labels } }, { type: 'merge', signal })
  }
}

async function closeWayOut(
  { podCidr }: Topology,
  containers: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const format = '{{range .IPAM.Config}}{{.Subnet}} {{end}}'
  const subnets = await output(['docker', 'network', 'inspect', 'kind', '-f', format], { signal })
  const nodes = subnets.split(' ').find((subnet) => subnet.includes('.'))
  if (nodes === undefined)
    throw new ClusterError('provision-failed', `the network kind has no IPv4 subnet: ${subnets}`)
  const { apply } = closedWayOut({ nodes, pods: podCidr })
  for (const container of containers)
    for (const argv of apply) await output(['docker', 'exec', container, ...argv], { signal })
}

async function described(
  kube: KubeClient,
  { kubeProxyMode = 'iptables' }: KindInit,
  version: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const { body } = await kube.request('GET', '/version', { signal })
  const { gitVersion = '' } = JSON.parse(body) as { readonly gitVersion?: string }
  const { stdout } = await ended(['docker', 'info', '-f', '{{.CgroupVersion}}'], { signal })
  return {
    kubernetes: gitVersion,
    kind: version,
    'kube-proxy': kubeProxyMode,
    'cgroup version': stdout.trim(),
    'pod network': 'kindnet',
  }
}
