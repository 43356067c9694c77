const ipv6 = 'provider local has no IPv6: only a dual-stack cluster of kind asks for it'

/**
 * Automated MUST rows at which no mutant can be tried, and why: mutants run on provider local, where the reference stands
 * alone.
 */
export const unproven: Readonly<Record<string, string>> = {
  'DNS-AAAA-001': ipv6,
  'DNS-AAAA-003': ipv6,
  'DNS-AAAA-004': ipv6,
  'DNS-PTR-002': ipv6,
  'L4-TCP-012': ipv6,
  'L4-NOEP-004': 'only a real kubelet evicts a pod for its ephemeral storage',
  'L4-HP-002': 'hostPort is what the CNI plugin portmap does, and provider local has none',
  'EDGE-CLI-004': 'hostPort is what the CNI plugin portmap does, and provider local has none',
  'EDGE-COX-001': 'kube-proxy runs beside the reference on provider kind alone',
  'EDGE-COX-002': 'kube-proxy runs beside the reference on provider kind alone',
  'EDGE-COX-011': 'what a cluster serves without the target is there on provider kind alone',
  'HYG-UN-006': 'kube-proxy runs beside the reference on provider kind alone',
}
