import type { Question } from '../../harness/api.ts'
import { http } from './http-latency.ts'

const closedLoop = { kind: 'closed-loop', concurrency: 16 } as const

/** "How much of the pod's own throughput is left through the L4 path?" */
export const l4Throughput: Question = {
  id: 'l4-throughput',
  title: 'How many requests per second does the L4 path carry?',
  means: 'how much of what a pod can serve is left for its clients',
  isStandard: true,
  uses: ['l4'],
  role: 'advisory',
  margin: 0.05,
  unit: 'req/s',
  better: 'higher',
  metric: 'throughput',
  effect: 'ratio',
  profile: closedLoop,
  warmupMs: 200,
  durationMs: 800,
  arms: [
    { id: 'direct', label: 'pod IP', request: (facts) => http(facts, facts.podIp, facts.podPort) },
    {
      id: 'target',
      label: 'ClusterIP, port tcp-0 (L4)',
      request: (facts) => http(facts, facts.clusterIp, facts.l4Port),
    },
  ],
}

/** "How much of it is left through the L7 path?" */
export const l7Throughput: Question = {
  ...l4Throughput,
  id: 'l7-throughput',
  uses: ['l7'],
  role: 'gated',
  title: 'How many requests per second does the L7 path carry?',
  arms: [
    { id: 'direct', label: 'pod IP', request: (facts) => http(facts, facts.podIp, facts.podPort) },
    {
      id: 'target',
      label: 'ClusterIP, port http-0 (L7)',
      request: (facts) => http(facts, facts.clusterIp, facts.l7Port),
    },
  ],
}
