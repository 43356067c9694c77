import type { AbortOptions } from '../../model/abort.ts'

export interface CountersInit {
  readonly nodes: readonly string[]
  readonly mode: 'iptables' | 'nftables'
  readonly serviceCidr: string
  /** ClusterIPs that Kubernetes itself uses at any time, whoever is under test. */
  readonly own: readonly string[]
  /** Runs a shell script in a node's host network and gives its stdout. @throws when it fails */
  readonly run: (node: string, script: string, options: AbortOptions) => Promise<string>
}

const chain = 'MESHMARK-KUBE-PROXY'

export interface KubeProxyCounter {
  /** New connections so far; undefined where they cannot be counted. The first call sets the counters up. */
  readonly count: (options: AbortOptions) => Promise<number | undefined>
  /** Takes the counters away again. */
  readonly remove: (options: AbortOptions) => Promise<void>
}

/**
 * Counts new connections to ClusterIPs that get as far as kube-proxy, on every node. kube-proxy's own counters are no
 * help: it writes its rules anew with every change.
 */
export function kubeProxyCounter(init: CountersInit): KubeProxyCounter {
  const { nodes, mode, run } = init
  const script = mode === 'iptables' ? iptablesScript(init) : nftablesScript(init)
  let isSet = false
  const onEach = (what: string, options: AbortOptions): Promise<readonly string[]> =>
    Promise.all(nodes.map((node) => run(node, what, options)))
  return {
    count: async (options) => {
      const tool = mode === 'iptables' ? 'iptables' : 'nft'
      const found = await onEach(`command -v ${tool} || true`, options)
      if (found.some((path) => path.trim() === '')) return undefined
      isSet = true
      return (await onEach(script, options)).reduce((sum, said) => sum + Number(said.trim()), 0)
    },
    remove: async (options) => {
      if (isSet) await onEach(removal, options)
    },
  }
}

const removal = [
  'for from in PREROUTING OUTPUT; do',
  `  while iptables -w -t nat -D $from -j ${chain} 2>/dev/null; do :; done`,
  'done',
  `iptables -w -t nat -F ${chain} 2>/dev/null`,
  `iptables -w -t nat -X ${chain} 2>/dev/null`,
  'nft delete table ip meshmark-kube-proxy 2>/dev/null',
  'true',
].join('\n')

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
