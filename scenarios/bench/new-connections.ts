import type { BenchFacts, LoadTarget, Question } from '../../harness/api.ts'

/** "How many new connections per second does a Service take?": connect, one GET, close. */
export const newConnections: Question = {
  id: 'new-connections',
  title: 'How many new connections per second does a Service take?',
  means: 'how many clients that connect anew for each request one node can send',
  isStandard: true,
  uses: ['l4'],
  role: 'gated',
  margin: 0.05,
  unit: 'req/s',
  better: 'higher',
  metric: 'throughput',
  effect: 'ratio',
  profile: { kind: 'closed-loop', concurrency: 8 },
  warmupMs: 150,
  durationMs: 600,
  arms: [
    {
      id: 'direct',
      label: 'pod IP',
      request: (facts) => connect(facts, facts.podIp, facts.podPort),
    },
    {
      id: 'target',
      label: 'ClusterIP, port tcp-0 (L4)',
      request: (facts) => connect(facts, facts.clusterIp, facts.l4Port),
    },
  ],
}

function connect(facts: BenchFacts, host: string, port: number): LoadTarget {
  return {
    kind: 'http-connect',
    host,
    port,
    path: facts.path,
    authority: `${facts.serviceName}:${port}`,
    expect: { status: 200, bodySha256: facts.bodySha256 },
  }
}
