import type { AbortOptions } from '../../model/abort.ts'
import type { Cluster, ClusterNode } from '../../model/cluster.ts'
import { ClusterError } from '../../model/errors.ts'
import type { KubeClient } from '../../model/kubernetes.ts'
import { ResourceStack } from '../../model/resource-stack.ts'
import type { Topology } from '../../model/topology.ts'
import { kubeClient } from '../kube/client.ts'
import { runMark } from '../kube/run-mark.ts'
import { nodes as nodeType } from '../kube/types.ts'
import { kubeProxyCounter } from '../remote/kube-proxy-counters.ts'
import { ownClusterIps } from '../remote/own-cluster-ips.ts'
import { readKubeconfig } from '../remote/read-kubeconfig.ts'
import { withUpstreamAddresses } from '../upstream-dns.ts'
import { findOut } from './capabilities.ts'
import { output } from './cli.ts'
import { kindCluster } from './cluster.ts'
import type { KubeProxyMode } from './config.ts'
import { handOutDns } from './handed-dns.ts'
import { leftAddress } from './left-address.ts'
import { closedWayOut, type ClusterNetworks } from './rules.ts'
import { nameUpstreams } from './upstreams.ts'

export interface AssembleInit {
  /** `kind`, or another provider whose nodes are Docker containers. */
  readonly provider: string
  /** Docker network of the nodes. */
  readonly network: string
  readonly podNetwork: string
  readonly name: string
  /** Of the run that works in it; what it makes is marked with it. */
  readonly runId: string
  readonly topology: Topology
  /** Docker container of each node. */
  readonly containers: ReadonlyMap<string, string>
  readonly kubeconfig: string
  readonly probeImage: string
  readonly packageDirectory: string
  readonly kubeProxyMode: KubeProxyMode
  /** Of the provider's CLI. */
  readonly version: string
  /** Gives images that Docker has to the nodes that lack them. */
  readonly load: (references: readonly string[], options: AbortOptions) => Promise<void>
  /** Name server that its kubelets hand out, where that may be another than the topology's. */
  readonly handedDns?: string
  /** It was made for this run, not attached to. */
  readonly isOwn: boolean
  /** Called when the cluster is disposed, or could not be assembled. */
  readonly release: () => Promise<void>
  /** It will be there when this run is over: what was changed in its nodes has to be undone. */
  readonly stays: () => boolean
  /** See Cluster. */
  readonly keep?: (target?: string) => Promise<void>
}

/** How long nodes may take to have their own name servers back; it is not given up with the run. */
const undoMs = 240_000

function undoing(): AbortOptions {
  return { signal: AbortSignal.timeout(undoMs) }
}

/**
 * Makes a `Cluster` of a kind cluster whose nodes are Ready: roles, the closed way out, what it can do. When that fails
 * what was changed is undone, and the cluster released.
 */
export async function assemble(init: AssembleInit, options: AbortOptions): Promise<Cluster> {
  const held = new ResourceStack()
  held.defer(init.release)
  try {
    return await assembled(init, held, options)
  } catch (error) {
    // why: what cannot be undone now is noted, and whoever works with the cluster next undoes it
    await held[Symbol.asyncDispose]().catch(() => undefined)
    throw error
  }
}

async function assembled(
  init: AssembleInit,
  held: ResourceStack,
  options: AbortOptions,
): Promise<Cluster> {
  const { containers, kubeconfig, kubeProxyMode } = init
  const kube = held.use(kubeClient(readKubeconfig(kubeconfig)))
  const all = [...containers.values()]
  const close = await wayOutCloser(init.network, init.topology, options)
  const [nodes, { capabilities, description }, kubernetes] = await Promise.all([
    placed(init.network, init.topology, containers, options),
    findOut(all.at(-1) ?? '', init.topology, options),
    kubernetesVersion(kube, options),
    close(all, options),
    labelRoles(kube, init.topology, options),
  ])
  const address = init.topology.clusterDns
  // why: where a cluster cannot be kept nobody comes after this run
  const left =
    init.keep && (await leftAddress({ name: init.name, containers: all, address }, options))
  let isTargetStaying = false
  held.defer(async () => {
    if (init.stays() && !isTargetStaying) await left?.remove(undoing())
  })
  const { handedDns: had = init.topology.clusterDns } = init
  if (had !== address) {
    const dns = handOutDns({ ...init, kube, nodes, had, wanted: address })
    held.defer(() => dns.undo(undoing()))
    await dns.apply(options)
  }
  const master = nodes.find(({ role }) => role === 'master')
  const topology = withUpstreamAddresses(init.topology, nodes)
  const { upstreamDns: addresses } = topology
  const upstreams = addresses && (await nameUpstreams({ ...init, kube, nodes, addresses }, options))
  held.defer(async () => {
    if (init.stays()) await upstreams?.undo(undoing())
  })
  await upstreams?.apply(options)
  return kindCluster({
    ...init,
    ...(init.keep !== undefined && {
      keep: async (target?: string) => {
        await init.keep?.(target)
        isTargetStaying = target !== undefined
        if (isTargetStaying) await left?.leave()
      },
    }),
    topology,
    mark: await runMark(init.runId),
    nodes,
    kube,
    masterAddress: master?.address ?? '',
    capabilities: new Set([
      ...capabilities,
      'definitions',
      ...(upstreams === undefined ? [] : (['upstream-dns'] as const)),
      ...(init.isOwn ? (['own-cluster'] as const) : []),
    ]),
    description: {
      cluster: init.name,
      kubernetes,
      [init.provider]: init.version,
      'kube-proxy': kubeProxyMode,
      'pod network': init.podNetwork,
      ...description,
    },
    ...(kubeProxyMode !== 'none' && {
      kubeProxyConnections: kubeProxyCounter({
        nodes: all,
        mode: kubeProxyMode,
        serviceCidr: topology.serviceCidr,
        own: await ownClusterIps(kube, options),
        run: (container, script, each) =>
          output(['docker', 'exec', container, 'sh', '-c', script], each),
      }).count,
    }),
    prepare: async (some, each) => {
      await close(some, each)
      await upstreams?.write(some, each)
    },
    held,
  })
}

async function placed(
  network: string,
  { nodes, lans }: Topology,
  containers: ReadonlyMap<string, string>,
  options: AbortOptions,
): Promise<readonly ClusterNode[]> {
  const format = `{{(index .NetworkSettings.Networks ${JSON.stringify(network)}).IPAddress}}`
  return Promise.all(
    nodes.map(async ({ name, role }) => {
      const container = containers.get(name) ?? ''
      const address = await output(['docker', 'inspect', '-f', format, container], options)
      return { name, role, lan: lans[0]?.name ?? '', address: address.trim() }
    }),
  )
}

/** A kubelet may not give itself roles. */
async function labelRoles(
  kube: KubeClient,
  { nodes }: Topology,
  { signal }: AbortOptions,
): Promise<void> {
  for (const { name, role } of nodes) {
    if (role !== 'edge') continue
    const labels = { 'node-role.kubernetes.io/edge': '' }
    await kube.patch(nodeType, { name }, { metadata: { labels } }, { type: 'merge', signal })
  }
}

/** Gives what closes the way out of nodes' containers; a node where it is closed stays as it is. */
async function wayOutCloser(
  network: string,
  { podCidr, ipv6 }: Topology,
  options: AbortOptions,
): Promise<(containers: readonly string[], options: AbortOptions) => Promise<void>> {
  const format = '{{range .IPAM.Config}}{{.Subnet}} {{end}}'
  const subnets = await output(['docker', 'network', 'inspect', network, '-f', format], options)
  const nodes = subnets.split(' ').find((subnet) => subnet.includes('.'))
  if (nodes === undefined)
    throw new ClusterError(
      'provision-failed',
      `the network ${network} has no IPv4 subnet: ${subnets}`,
    )
  const nodes6 = subnets.split(' ').find((subnet) => subnet.includes(':'))
  const networks: readonly ClusterNetworks[] = [
    { nodes, pods: podCidr },
    ...(nodes6 === undefined || ipv6 === undefined
      ? []
      : [{ nodes: nodes6, pods: ipv6.podCidr, family: 6 as const }]),
  ]
  const script = networks
    .map((each) => closedWayOut(each))
    .map(({ apply, isClosed }) =>
      [
        `${isClosed.join(' ')} 2>/dev/null || { set -e`,
        ...apply.map((argv) => argv.join(' ')),
        '}',
      ].join('\n'),
    )
    .join('\n')
  return async (containers, each) => {
    await Promise.all(
      containers.map((container) =>
        output(['docker', 'exec', container, 'sh', '-c', script], each),
      ),
    )
  }
}

async function kubernetesVersion(kube: KubeClient, options: AbortOptions): Promise<string> {
  const { body } = await kube.request('GET', '/version', options)
  const { gitVersion = '' } = JSON.parse(body) as { readonly gitVersion?: string }
  return gitVersion
}
