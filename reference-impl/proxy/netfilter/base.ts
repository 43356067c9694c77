/** The hooks: how packets come to the Services' chains, and which packets get no further. */
import type { Site } from './site.ts'

export const tableName = 'meshmark'

/** Named here so that a person who reads `nft list ruleset` knows whose table it is. */
export const tableComment = 'meshmark reference data plane'

/**
 * The part of the table that no Service changes.
 *
 * nat chains run 5 before kube-proxy's and docker's (dstnat), so that Services are decided here first; the filter
 * chains after them see the translated packet, and what still carries a ClusterIP then has nowhere to go: it is
 * rejected, never sent along the default route. While a transaction is committed, a packet that is under way in the old
 * rules may find the elements of their maps gone already (the kernel looks at its generation for each lookup anew): it is
 * dropped, not refused, when its Service has endpoints, and comes again. `goto` and `accept` end our own chains only, foreign tables still
 * get every packet. No packet mark is used.
 */
export function baseChains(site: Site): string {
  const { proxyPort, proxyRange } = site
  const elements = (list: readonly string[]): string =>
    list.length === 0 ? '' : ` elements = { ${list.join(', ')} }`
  const outside = site.outsideInterfaces.map((name) => `"${name}"`)
  const closeProxyPort =
    proxyPort === undefined
      ? ''
      : `tcp dport ${proxyPort} ip daddr != ${proxyRange} ct state new reject with tcp reset comment "only through Services"`
  return `
  set outside { type ifname;${elements(outside)} }
  set protected { type ipv4_addr; flags interval;${elements([proxyRange, ...site.protectedAddresses])} }

  chain dispatch {
    ip daddr . meta l4proto . th dport vmap @services
    fib daddr type local ip daddr != { 127.0.0.0/8, ${proxyRange} } meta l4proto . th dport vmap @node-ports
  }
  chain nat-prerouting { type nat hook prerouting priority dstnat - 5; policy accept;
    goto dispatch
  }
  chain nat-output { type nat hook output priority -105; policy accept;
    goto dispatch
  }
  chain nat-postrouting { type nat hook postrouting priority srcnat - 5; policy accept;
    ct status ! dnat accept
    ip saddr . ip daddr @hairpin masquerade comment "a pod that reaches itself through a Service"
    ip daddr @local-pods accept
    ct original ip daddr @cluster-ips accept comment "clients keep their address"
    ct original ip daddr @external-ips masquerade
    meta l4proto { tcp, udp, sctp } ct original proto-dst @node-port-numbers masquerade comment "the answer has to come back this way"
  }
  chain guard { type filter hook prerouting priority mangle - 5; policy accept;
    ct state established,related accept
    iifname @outside ip daddr @protected drop
    iifname @outside ip daddr @cluster-ips drop
  }
  chain refuse-prerouting { type filter hook prerouting priority dstnat + 5; policy accept;
    ct state established,related accept
    goto refuse
  }
  chain refuse-output { type filter hook output priority -95; policy accept;
    ct state established,related accept
    goto refuse
  }
  chain refuse {
    ip daddr . meta l4proto . th dport @served drop comment "met a change of its rules; the client sends it again"
    ip daddr @cluster-ips goto reject-packet
    ip daddr . meta l4proto . th dport @no-endpoints goto reject-packet
  }
  chain reject-packet {
    meta l4proto tcp reject with tcp reset
    reject with icmp port-unreachable
  }
  chain input { type filter hook input priority filter - 5; policy accept;
    ct state invalid ip saddr @endpoint-ips drop
    ${closeProxyPort}
  }
  chain forward { type filter hook forward priority filter - 5; policy accept;
    ct state invalid ip saddr @endpoint-ips drop comment "an untranslated answer would make the client reset"
  }
`
}
