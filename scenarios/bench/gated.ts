import type { GatedMetric } from '../../harness/api.ts'

/**
 * What decides whether a candidate got worse, declared before any trial: where a user feels it (the median through the
 * L4 and L7 way), and CPU time per request where a generator on the same machine could not see the difference.
 */
export const gatedMetrics: Readonly<Record<'pr' | 'release', readonly GatedMetric[]>> = {
  pr: [
    { question: 'l4-latency', kind: 'value', margin: 0.05 },
    { question: 'l7-latency', kind: 'value', margin: 0.05 },
    { question: 'l7-throughput', kind: 'cpu', margin: 0.05 },
    { question: 'dns-throughput', kind: 'cpu', margin: 0.05 },
  ],
  release: [
    { question: 'l4-latency', kind: 'value', margin: 0.05 },
    { question: 'l7-latency', kind: 'value', margin: 0.05 },
    { question: 'l7-throughput', kind: 'cpu', margin: 0.05 },
    { question: 'dns-throughput', kind: 'cpu', margin: 0.05 },
    { question: 'l7-throughput', kind: 'value', margin: 0.05 },
    { question: 'new-connections', kind: 'value', margin: 0.05 },
    { question: 'dns-latency', kind: 'value', margin: 0.05 },
    { question: 'dns-throughput', kind: 'value', margin: 0.05 },
  ],
}
