import { readFileSync } from 'node:fs'
import type { KubeletConfig } from '../config.ts'
import type { Pod } from './pod.ts'

interface Resolver {
  nameservers: string[]
  searches: string[]
  options: string[]
}

/**
 * The resolv.conf of a pod by its dnsPolicy, as Kubernetes documents it: ClusterFirst (Default when the pod uses the
 * host network), ClusterFirstWithHostNet, Default, None.
 */
export function resolvConf(pod: Pod, config: KubeletConfig): string {
  const { dnsPolicy = 'ClusterFirst', hostNetwork = false, dnsConfig } = pod.spec
  const resolver = baseOf(dnsPolicy, hostNetwork, pod.metadata.namespace, config)
  if (dnsConfig !== undefined) {
    resolver.nameservers = unique([...resolver.nameservers, ...(dnsConfig.nameservers ?? [])])
    resolver.searches = unique([...resolver.searches, ...(dnsConfig.searches ?? [])])
    for (const { name, value } of dnsConfig.options ?? []) {
      resolver.options = resolver.options.filter((option) => option.split(':')[0] !== name)
      resolver.options.push(value === undefined ? name : `${name}:${value}`)
    }
  }
  const lines = [
    ...(resolver.searches.length === 0 ? [] : [`search ${resolver.searches.join(' ')}`]),
    ...resolver.nameservers.map((address) => `nameserver ${address}`),
    ...(resolver.options.length === 0 ? [] : [`options ${resolver.options.join(' ')}`]),
  ]
  return `${lines.join('\n')}\n`
}

function baseOf(
  policy: string,
  hostNetwork: boolean,
  namespace: string,
  config: KubeletConfig,
): Resolver {
  if (policy === 'None') return { nameservers: [], searches: [], options: [] }
  const node = nodeResolver()
  if (policy === 'Default' || (policy === 'ClusterFirst' && hostNetwork)) return node
  const { clusterDns, clusterDomain } = config
  return {
    nameservers: [clusterDns],
    searches: unique([
      `${namespace}.svc.${clusterDomain}`,
      `svc.${clusterDomain}`,
      clusterDomain,
      ...node.searches,
    ]),
    options: ['ndots:5'],
  }
}

/** The node's own, as it is now. */
function nodeResolver(): Resolver {
  const resolver: Resolver = { nameservers: [], searches: [], options: [] }
  for (const line of readFileSync('/etc/resolv.conf', 'utf8').split('\n')) {
    const [word, ...rest] = line.trim().split(/\s+/)
    if (word === 'nameserver') resolver.nameservers.push(...rest.slice(0, 1))
    if (word === 'search') resolver.searches = rest
    if (word === 'options') resolver.options.push(...rest)
  }
  return resolver
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)]
}
