import { stringify } from 'yaml'
import { ClusterError } from '../../model/errors.ts'
import type { NodeSpec, Topology } from '../../model/topology.ts'

export const kubeProxyModes: readonly ['iptables', 'nftables', 'none'] = [
  'iptables',
  'nftables',
  'none',
]

export type KubeProxyMode = (typeof kubeProxyModes)[number]

/** A topology that says what its cluster has. */
export function withKubeProxy(topology: Topology, mode: KubeProxyMode): Topology {
  return { ...topology, ...(mode !== 'none' && { kubeProxy: mode }) }
}

/** What the cluster is made of besides its topology. */
export interface KindConfigInit {
  readonly name: string
  /** Kind's default for its version when absent. */
  readonly nodeImage?: string
  readonly kubeProxyMode: KubeProxyMode
  /** False when another pod network than kind's own will be installed. */
  readonly ownCni?: boolean
}

/**
 * The configuration file of a cluster (kind.sigs.k8s.io/docs/user/configuration). Nodes of Kubernetes bear the names of
 * the topology; the containers keep kind's own names.
 * @throws ClusterError 'provision-failed' for a topology that one Docker network cannot give
 */
export function kindConfig(topology: Topology, init: KindConfigInit): string {
  refuseWhatCannotBe(topology)
  const { podCidr, serviceCidr, clusterDomain, clusterDns, ipv6 } = topology
  const both = (one: string, other: string | undefined): string =>
    other === undefined ? one : `${one},${other}`
  return stringify({
    kind: 'Cluster',
    apiVersion: 'kind.x-k8s.io/v1alpha4',
    name: init.name,
    networking: {
      ...(ipv6 !== undefined && { ipFamily: 'dual' }),
      podSubnet: both(podCidr, ipv6?.podCidr),
      serviceSubnet: both(serviceCidr, ipv6?.serviceCidr),
      ...(init.ownCni === false && { disableDefaultCNI: true }),
      kubeProxyMode: init.kubeProxyMode,
    },
    kubeadmConfigPatches: [
      stringify({ kind: 'ClusterConfiguration', networking: { dnsDomain: clusterDomain } }),
      stringify({
        kind: 'KubeletConfiguration',
        clusterDomain,
        clusterDNS: [clusterDns],
        ...restartPause(topology, init),
      }),
    ],
    nodes: inOrder(topology.nodes).map((node) => kindNode(node, init)),
  })
}

/** The first Kubernetes 1.x whose kubelets can be told (KEP-4603, alpha). */
const firstWithPause = 32

/** Nothing where the name of the image does not tell a version that has it: older kubelets would not start. */
function restartPause(
  { longestRestartPauseMs }: Topology,
  { nodeImage = '' }: KindConfigInit,
): object {
  const [, minor] = /:v1\.(\d+)\./.exec(nodeImage) ?? []
  if (longestRestartPauseMs === undefined || !(Number(minor) >= firstWithPause)) return {}
  return {
    featureGates: { KubeletCrashLoopBackOffMax: true },
    crashLoopBackOff: { maxContainerRestartPeriod: `${Math.ceil(longestRestartPauseMs / 1_000)}s` },
  }
}

/** kind numbers its workers in the order of its configuration: `<cluster>-worker`, `<cluster>-worker2`, … */
export function containerNames(name: string, topology: Topology): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  inOrder(topology.nodes).forEach((node, index) => {
    const kindName =
      index === 0 ? 'control-plane' : index === 1 ? 'worker' : `worker${String(index)}`
    names.set(node.name, `${name}-${kindName}`)
  })
  return names
}

function kindNode({ name, role }: NodeSpec, { nodeImage }: KindConfigInit): object {
  const isMaster = role === 'master'
  return {
    role: isMaster ? 'control-plane' : 'worker',
    ...(nodeImage !== undefined && { image: nodeImage }),
    kubeadmConfigPatches: [
      stringify({
        kind: isMaster ? 'InitConfiguration' : 'JoinConfiguration',
        nodeRegistration: { name },
      }),
    ],
  }
}

function inOrder(nodes: readonly NodeSpec[]): readonly NodeSpec[] {
  return [
    ...nodes.filter(({ role }) => role === 'master'),
    ...nodes.filter(({ role }) => role !== 'master'),
  ]
}

function refuseWhatCannotBe({ lans, nodes, upstreamDns = [] }: Topology): void {
  const masters = nodes.filter(({ role }) => role === 'master')
  const others = upstreamDns.filter((server) => !nodes.some(({ name }) => name === server))
  const problem =
    masters.length !== 1
      ? `want one node of role master, got ${masters.length}`
      : lans.length !== 1
        ? `kind's nodes stand in one network, the topology has ${lans.length} LANs`
        : others.length > 0
          ? `upstreamDns: got ${others.join(', ')}, but Docker gives addresses: want names of nodes`
          : undefined
  if (problem !== undefined)
    throw new ClusterError('provision-failed', problem, {
      hint: 'use --provider local for this topology',
    })
}
