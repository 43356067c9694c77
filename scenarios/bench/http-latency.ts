import type { BenchFacts, LoadTarget, Question } from '../../harness/api.ts'

/** Low enough for every path on two cores (measurement.md: at most 40 % of capacity), high enough for quantiles. */
const rateRps = 500

const openLoop = { kind: 'open-loop', rateRps, maxInFlight: 200 } as const

/** "What does the L4 path add?" */
export const l4Latency: Question = {
  id: 'l4-latency',
  title: `What does the L4 path add to a request, at ${rateRps} requests per second?`,
  means: 'what each request to a Service is slower than one to the pod itself',
  isStandard: true,
  uses: ['l4'],
  role: 'gated',
  margin: 0.05,
  unit: 'us',
  better: 'lower',
  metric: 'response-p50',
  effect: 'difference',
  profile: openLoop,
  warmupMs: 200,
  durationMs: 1_200,
  arms: [
    { id: 'direct', label: 'pod IP', request: (facts) => http(facts, facts.podIp, facts.podPort) },
    {
      id: 'target',
      label: 'ClusterIP, port tcp-0 (L4)',
      request: (facts) => http(facts, facts.clusterIp, facts.l4Port),
    },
  ],
}

/** "What does the L7 path add?" */
export const l7Latency: Question = {
  ...l4Latency,
  id: 'l7-latency',
  uses: ['l7'],
  title: `What does the L7 path add to a request, at ${rateRps} requests per second?`,
  arms: [
    { id: 'direct', label: 'pod IP', request: (facts) => http(facts, facts.podIp, facts.podPort) },
    {
      id: 'target',
      label: 'ClusterIP, port http-0 (L7)',
      request: (facts) => http(facts, facts.clusterIp, facts.l7Port),
    },
  ],
}

/** GET of the sample page over kept-alive connections. */
export function http(facts: BenchFacts, host: string, port: number): LoadTarget {
  return {
    kind: 'http',
    host,
    port,
    path: facts.path,
    authority: `${facts.serviceName}:${port}`,
    connections: 16,
    expect: { status: 200, bodySha256: facts.bodySha256 },
  }
}
