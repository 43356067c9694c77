import { parse } from 'yaml'
import type { AbortOptions } from '../../model/abort.ts'
import type { ClusterNode } from '../../model/cluster.ts'
import type { KubeClient } from '../../model/kubernetes.ts'
import type { Topology } from '../../model/topology.ts'
import { configMaps, daemonSets } from '../kube/types.ts'
import { type KubeProxyCounter, kubeProxyCounter } from '../remote/kube-proxy-counters.ts'
import { ownClusterIps } from '../remote/own-cluster-ips.ts'

export interface KubeProxyInit {
  readonly kube: KubeClient
  readonly nodes: readonly ClusterNode[]
  /** Runs a script in a node's host network; absent without node access. */
  readonly run?: (node: string, script: string, options: AbortOptions) => Promise<string>
}

/** The kube-proxy of a cluster that exists. */
export interface FoundKubeProxy extends KubeProxyCounter {
  /** Undefined where the cluster does not say it, or says another one (IPVS). */
  readonly mode?: NonNullable<Topology['kubeProxy']>
}

/** Cannot be told: a run of a target that must be alone is refused then. */
const unknown: KubeProxyCounter = {
  count: () => Promise.resolve(undefined),
  remove: () => Promise.resolve(),
}

/**
 * Counts what kube-proxy of a cluster that exists carries; undefined where there is no kube-proxy. Clusters of kubeadm
 * say in ConfigMaps which mode it runs in and where Services are.
 */
export async function kubeProxyOf(
  { kube, nodes, run }: KubeProxyInit,
  options: AbortOptions,
): Promise<FoundKubeProxy | undefined> {
  const namespace = 'kube-system'
  const proxy = await kube.get(daemonSets, { namespace, name: 'kube-proxy' }, options)
  if (proxy === undefined) return undefined
  const read = async (name: string, key: string): Promise<string | undefined> => {
    const map = await kube.get(configMaps, { namespace, name }, options)
    return (map?.['data'] as Readonly<Record<string, string>> | undefined)?.[key]
  }
  const own = await read('kube-proxy', 'config.conf')
  const cluster = await read('kubeadm-config', 'ClusterConfiguration')
  const mode = own === undefined ? undefined : modeIn(own)
  if (mode === undefined) return unknown
  if (run === undefined || cluster === undefined) return { ...unknown, mode }
  const { networking = {} } = parse(cluster) as {
    readonly networking?: { readonly serviceSubnet?: string }
  }
  const [serviceCidr = ''] = (networking.serviceSubnet ?? '').split(',')
  if (serviceCidr === '') return { ...unknown, mode }
  const counter = kubeProxyCounter({
    nodes: nodes.map(({ name }) => name),
    mode,
    serviceCidr,
    own: await ownClusterIps(kube, options),
    run,
  })
  return { ...counter, mode }
}

/** An empty mode means iptables on Linux (KubeProxyConfiguration). */
function modeIn(config: string): FoundKubeProxy['mode'] {
  const { mode = '' } = (parse(config) ?? {}) as { readonly mode?: string }
  if (mode === '') return 'iptables'
  return mode === 'iptables' || mode === 'nftables' ? mode : undefined
}
