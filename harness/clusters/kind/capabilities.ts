import type { AbortOptions } from '../../model/abort.ts'
import type { Capability } from '../../model/cluster.ts'
import type { Topology } from '../../model/topology.ts'
import { ended } from './cli.ts'

/** What the nodes can do, and what tells them apart from others in a report. */
export interface FoundOut {
  readonly capabilities: ReadonlySet<Capability>
  readonly description: Readonly<Record<string, string>>
}

/** Tried on the loopback device, where it harms nobody; the kernel is the host's. */
const script = `
for kind in 'netem delay 1ms' 'tbf rate 1000mbit burst 64kb latency 50ms'; do
  if tc qdisc add dev lo root $kind 2>/dev/null; then echo "\${kind%% *} yes"; tc qdisc del dev lo root; fi
done
echo "iptables $(iptables -V 2>/dev/null)"
test -e /proc/net/ip_vs && echo 'ipvs yes'
test "$(cat /proc/sys/net/ipv6/conf/all/disable_ipv6 2>/dev/null)" = 0 && echo 'ipv6 yes'
test -e /sys/fs/cgroup/cgroup.controllers && echo 'cgroup v2' || echo 'cgroup v1'
`

/** Finds out on one node what the cluster can do: nothing is assumed. */
export async function findOut(
  container: string,
  { ipv6 }: Pick<Topology, 'ipv6'>,
  options: AbortOptions,
): Promise<FoundOut> {
  const { stdout } = await ended(['docker', 'exec', container, 'sh', '-c', script], options)
  const said = new Map(
    stdout.split('\n').map((line) => {
      const [word = '', ...rest] = line.split(' ')
      return [word, rest.join(' ')] as const
    }),
  )
  const shaped: readonly Capability[] = [
    ...(said.has('tbf') ? (['link-rate'] as const) : []),
    ...(said.has('netem') ? (['link-delay', 'link-loss'] as const) : []),
  ]
  return {
    capabilities: new Set([
      ...(['multi-node', 'node-access', 'node-fault', 'node-stop', 'kubernetes'] as const),
      ...shaped,
      ...(ipv6 !== undefined && said.has('ipv6') ? (['ipv6'] as const) : []),
    ]),
    description: {
      'cgroup version': said.get('cgroup') ?? 'unknown',
      netfilter: said.get('iptables') ?? 'no iptables in the nodes',
      'IPVS in the kernel': said.get('ipvs') ?? 'no',
      'netem in the kernel': said.get('netem') ?? 'no',
      'IPv6 in the nodes': said.get('ipv6') ?? 'no',
    },
  }
}
