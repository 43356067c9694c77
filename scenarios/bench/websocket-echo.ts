import type { BenchFacts, LoadTarget, Question } from '../../harness/api.ts'

/** "What does the L7 path add to a WebSocket message that comes back?" */
export const l7WebSocket: Question = {
  id: 'l7-websocket',
  title: 'What does the L7 path add to a WebSocket message of 1 KiB and its echo?',
  means: 'what users of chats, dashboards and message brokers behind a Service wait longer',
  role: 'advisory',
  margin: 0.05,
  unit: 'us',
  better: 'lower',
  metric: 'response-p50',
  effect: 'difference',
  profile: { kind: 'open-loop', rateRps: 400, maxInFlight: 200 },
  calibration: { share: 0.4, concurrency: 8 },
  uses: ['backend'],
  warmupMs: 200,
  durationMs: 1_200,
  arms: [
    {
      id: 'direct',
      label: 'pod IP',
      request: (facts) => echo(facts, ({ podIp, ports }) => [podIp, ports.http]),
    },
    {
      id: 'target',
      label: 'ClusterIP, port http-0 (L7)',
      request: (facts) =>
        echo(facts, ({ clusterIp, servicePorts }) => [clusterIp, servicePorts.http]),
    },
  ],
}

/** "What does the L4 path add to it?" */
export const l4WebSocket: Question = {
  ...l7WebSocket,
  id: 'l4-websocket',
  title: 'What does the L4 path add to a WebSocket message of 1 KiB and its echo?',
  arms: [
    ...l7WebSocket.arms.slice(0, 1),
    {
      id: 'target',
      label: 'ClusterIP, port raw (L4)',
      request: (facts) =>
        echo(facts, ({ clusterIp, servicePorts }) => [clusterIp, servicePorts.raw]),
    },
  ],
}

type Backend = NonNullable<BenchFacts['backend']>

function echo(
  { backend }: BenchFacts,
  where: (backend: Backend) => readonly [host: string, port: number],
): LoadTarget {
  if (backend === undefined) throw new Error('there is no backend')
  const [host, port] = where(backend)
  return {
    kind: 'websocket',
    host,
    port,
    path: '/',
    authority: `mm-backend:${port}`,
    connections: 8,
    messageBytes: 1_024,
  }
}
