import { readFileSync } from 'node:fs'
import type { KubeletConfig } from '../config.ts'
import type { Pod } from './pod.ts'

/** A pod's name as its own programs see it. */
export function hostnameOf(pod: Pod, config: KubeletConfig): string {
  if (pod.spec.hostNetwork === true) return config.nodeName
  return (pod.spec.hostname ?? pod.metadata.name).slice(0, 63)
}

/** A pod's /etc/hosts, as the kubelet writes it. */
export function hostsFile(pod: Pod, address: string, config: KubeletConfig): string {
  const { hostNetwork = false, subdomain, hostAliases = [] } = pod.spec
  const aliases = hostAliases.map(({ ip, hostnames }) => `${ip}\t${hostnames.join('\t')}`)
  if (hostNetwork)
    return [
      '# Kubernetes-managed hosts file (host network).',
      readFileSync('/etc/hosts', 'utf8').trimEnd(),
      ...aliases,
      '',
    ].join('\n')
  const name = hostnameOf(pod, config)
  const full =
    subdomain === undefined
      ? name
      : `${name}.${subdomain}.${pod.metadata.namespace}.svc.${config.clusterDomain}\t${name}`
  return [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    `${address}\t${full}`,
    ...(aliases.length === 0 ? [] : ['', '# Entries added by HostAliases.', ...aliases]),
    '',
  ].join('\n')
}
