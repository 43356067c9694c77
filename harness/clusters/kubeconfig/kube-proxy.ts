import { parse } from 'yaml'
import type { AbortOptions } from '../../model/abort.ts'
import type { ClusterNode } from '../../model/cluster.ts'
import type { KubeClient } from '../../model/kubernetes.ts'
import { configMaps, daemonSets } from '../kube/types.ts'
import { type KubeProxyCounter, kubeProxyCounter } from '../remote/kube-proxy-counters.ts'
import { ownClusterIps } from '../remote/own-cluster-ips.ts'

export interface KubeProxyInit {
  readonly kube: KubeClient
  readonly nodes: readonly ClusterNode[]
  /** Runs a script in a node's host network; absent without node access. */
  readonly run?: (node: string, script: string, options: AbortOptions) => Promise<string>
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
): Promise<KubeProxyCounter | undefined> {
  const namespace = 'kube-system'
  const proxy = await kube.get(daemonSets, { namespace, name: 'kube-proxy' }, options)
  if (proxy === undefined) return undefined
  const read = async (name: string, key: string): Promise<string | undefined> => {
    const map = await kube.get(configMaps, { namespace, name }, options)
    return (map?.['data'] as Readonly<Record<string, string>> | undefined)?.[key]
  }
  const own = await read('kube-proxy', 'config.conf')
  const cluster = await read('kubeadm-config', 'ClusterConfiguration')
  if (run === undefined || own === undefined || cluster === undefined) return unknown
  const { mode = '' } = parse(own) as { readonly mode?: string }
  const { networking = {} } = parse(cluster) as {
    readonly networking?: { readonly serviceSubnet?: string }
  }
  const [serviceCidr = ''] = (networking.serviceSubnet ?? '').split(',')
  if (!['', 'iptables', 'nftables'].includes(mode) || serviceCidr === '') return unknown
  return kubeProxyCounter({
    nodes: nodes.map(({ name }) => name),
    mode: mode === 'nftables' ? 'nftables' : 'iptables',
    serviceCidr,
    own: await ownClusterIps(kube, options),
    run,
  })
}
