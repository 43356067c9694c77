import type { AbortOptions } from '../../model/abort.ts'
import { ended, output } from './cli.ts'
import type { KubeProxyMode } from './config.ts'

export interface CountersInit {
  readonly containers: readonly string[]
  readonly mode: Exclude<KubeProxyMode, 'none'>
  readonly serviceCidr: string
  /** ClusterIPs that Kubernetes itself uses at any time, whoever is under test. */
  readonly own: readonly string[]
}

const chain = 'MESHMARK-KUBE-PROXY'

/**
 * Counts new connections to ClusterIPs that get as far as kube-proxy, on every node; undefined where that cannot be
 * counted. kube-proxy's own counters are no help: it writes its rules anew with every change.
 */
export function kubeProxyCounter(
  init: CountersInit,
): (options: AbortOptions) => Promise<number | undefined> {
  const { containers, mode } = init
  const script = mode === 'iptables' ? iptablesScript(init) : nftablesScript(init)
  return async (options) => {
    const { exitCode } = await ended(
      ['docker', 'exec', containers[0] ?? '', 'sh', '-c', 'command -v nft iptables'],
      options,
    )
    if (mode === 'nftables' && exitCode !== 0) return undefined
    const counts = await Promise.all(
      containers.map(async (container) => {
        const said = await output(['docker', 'exec', container, 'sh', '-c', script], options)
        return Number(said.trim())
      }),
    )
    return counts.reduce((sum, count) => sum + count, 0)
  }
}

/**
 * Directly before the jump to kube-proxy in the nat table's PREROUTING and OUTPUT: what another data plane has caught
 * before does not come here, in the same table as little as at an earlier hook. Made on first use, then read.
 */
function iptablesScript({ serviceCidr, own }: CountersInit): string {
  const rules = [
    ...own.map((address) => `iptables -w -t nat -A ${chain} -d ${address} -j RETURN`),
    `iptables -w -t nat -A ${chain} -d ${serviceCidr} -m comment --comment counted`,
    ...['PREROUTING', 'OUTPUT'].map(
      (from) =>
        `at=$(iptables -w -t nat -S ${from} | grep '^-A' | grep -n -- '-j KUBE-SERVICES' | cut -d: -f1); iptables -w -t nat -I ${from} "\${at:-1}" -j ${chain}`,
    ),
  ]
  return [
    'set -e',
    `if iptables -w -t nat -N ${chain} 2>/dev/null; then`,
    ...rules,
    'fi',
    `iptables -w -t nat -L ${chain} -nvx | awk '/counted/ { sum += $1 } END { print sum + 0 }'`,
  ].join('\n')
}

/** A nat chain right before that of kube-proxy (priority dstnat, -100); it sees new connections only. */
function nftablesScript({ serviceCidr, own }: CountersInit): string {
  const rule = `ip daddr ${serviceCidr} ip daddr != { ${own.join(', ')} } counter`
  return [
    'set -e',
    'if ! nft list table ip meshmark-kube-proxy >/dev/null 2>&1; then nft -f - <<END',
    'table ip meshmark-kube-proxy {',
    `  chain prerouting { type nat hook prerouting priority -101; ${rule}; }`,
    `  chain output { type nat hook output priority -101; ${rule}; }`,
    '}',
    'END',
    'fi',
    `nft list table ip meshmark-kube-proxy | awk '{ for (i = 1; i < NF; i++) if ($i == "packets") sum += $(i + 1) } END { print sum + 0 }'`,
  ].join('\n')
}
