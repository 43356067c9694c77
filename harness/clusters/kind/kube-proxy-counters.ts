import type { AbortOptions } from '../../model/abort.ts'
import { output } from './cli.ts'

/** Services that Kubernetes itself uses at any time, whoever is under test. */
const ownServices = /^(?:kube-system\/|default\/kubernetes:)/

/** Sums what the rules of kube-proxy's mode iptables have caught on all nodes; each new connection counts once. */
export async function kubeProxyConnections(
  containers: readonly string[],
  options: AbortOptions,
): Promise<number> {
  const said = await Promise.all(
    containers.map((container) =>
      output(['docker', 'exec', container, 'iptables-save', '-c', '-t', 'nat'], options),
    ),
  )
  return said.reduce((sum, rules) => sum + caughtConnections(rules), 0)
}

/**
 * Packets that `iptables-save -c -t nat` says went from KUBE-SERVICES to a Service's own chain. Only a connection's
 * first packet passes the nat table.
 */
export function caughtConnections(rules: string): number {
  const pattern =
    /^\[(\d+):\d+\] -A KUBE-(?:SERVICES|NODEPORTS) .*--comment "?([^" ]+)[^\n]* -j KUBE-(?:SVC|SVL|EXT)-/gm
  let sum = 0
  for (const [, packets = '0', service = ''] of rules.matchAll(pattern))
    if (!ownServices.test(service)) sum += Number(packets)
  return sum
}
