import type { BenchFacts, LoadTarget, Question } from '../../harness/api.ts'

/** "How many new UDP flows per second does a Service take?": a socket, one datagram there and one back. */
export const udpFlowRate: Question = {
  id: 'udp-flow-rate',
  title: 'How many new UDP flows per second does a Service take?',
  means: 'how many devices that each send a datagram from a port of their own one node can serve',
  role: 'advisory',
  margin: 0.05,
  unit: 'req/s',
  better: 'higher',
  metric: 'throughput',
  effect: 'ratio',
  profile: { kind: 'closed-loop', concurrency: 8 },
  uses: ['backend'],
  warmupMs: 150,
  durationMs: 600,
  arms: [
    {
      id: 'direct',
      label: 'pod IP',
      request: (facts) => flow(facts, ({ podIp, ports }) => [podIp, ports.udp]),
    },
    {
      id: 'target',
      label: 'ClusterIP, port udp-0',
      request: (facts) =>
        flow(facts, ({ clusterIp, servicePorts }) => [clusterIp, servicePorts.udp]),
    },
  ],
}

type Backend = NonNullable<BenchFacts['backend']>

function flow(
  { backend }: BenchFacts,
  where: (backend: Backend) => readonly [host: string, port: number],
): LoadTarget {
  if (backend === undefined) throw new Error('there is no backend')
  const [host, port] = where(backend)
  return { kind: 'udp-flow', host, port, expect: { pod: backend.pod } }
}
