import { ClusterError } from '../../model/errors.ts'
import type { NodeSpec, Topology } from '../../model/topology.ts'

export interface K3dArgumentsInit {
  readonly name: string
  /** Image of k3s; k3d's default for its version when absent. */
  readonly nodeImage?: string
  /** False leaves every Service to the target. */
  readonly kubeProxy: boolean
}

/** How long k3d may take before it gives up. */
const createTimeout = '180s'

/**
 * Arguments of `k3d cluster create` for a topology: k3s without the parts that would serve Services themselves
 * (traefik, its service load balancer), flannel without tunnels.
 * @throws ClusterError 'provision-failed' for a topology that one Docker network cannot give
 */
export function createArguments(topology: Topology, init: K3dArgumentsInit): readonly string[] {
  const [master, ...others] = inOrder(topology)
  const server = (arg: string): readonly string[] => ['--k3s-arg', `${arg}@server:0`]
  const { podCidr, serviceCidr, clusterDns, clusterDomain } = topology
  return [
    ...['cluster', 'create', init.name, '--servers', '1', '--agents', String(others.length)],
    ...['--no-lb', '--kubeconfig-update-default=false', '--kubeconfig-switch-context=false'],
    ...['--timeout', createTimeout],
    ...(init.nodeImage === undefined ? [] : ['--image', init.nodeImage]),
    ...server('--disable=traefik,servicelb,metrics-server'),
    ...server('--flannel-backend=host-gw'),
    ...server(`--cluster-cidr=${podCidr}`),
    ...server(`--service-cidr=${serviceCidr}`),
    ...server(`--cluster-dns=${clusterDns}`),
    ...server(`--cluster-domain=${clusterDomain}`),
    ...(init.kubeProxy ? [] : server('--disable-kube-proxy')),
    ...server(`--node-name=${master?.name ?? ''}`),
    ...others.flatMap(({ name }, index) => ['--k3s-arg', `--node-name=${name}@agent:${index}`]),
  ]
}

/** k3d calls its containers `k3d-<cluster>-server-0`, `k3d-<cluster>-agent-0`, … */
export function containerNames(name: string, topology: Topology): ReadonlyMap<string, string> {
  return new Map(
    inOrder(topology).map(({ name: node }, index) => [
      node,
      `k3d-${name}-${index === 0 ? 'server-0' : `agent-${index - 1}`}`,
    ]),
  )
}

/** The master first. */
function inOrder({ nodes, lans, upstreamDns }: Topology): readonly NodeSpec[] {
  const masters = nodes.filter(({ role }) => role === 'master')
  if (masters.length !== 1 || lans.length !== 1)
    throw new ClusterError(
      'provision-failed',
      `k3d's nodes stand in one network with one master; the topology has ${lans.length} LANs and ${masters.length} masters`,
      { hint: 'use --provider local for this topology' },
    )
  if (upstreamDns !== undefined)
    throw new ClusterError(
      'provision-failed',
      `upstreamDns: got ${upstreamDns.join(', ')}, but Docker writes the nodes' resolv.conf`,
      { hint: 'use --provider local for this topology' },
    )
  return [...masters, ...nodes.filter(({ role }) => role !== 'master')]
}
