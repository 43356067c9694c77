import type { BenchFacts, LoadTarget, Question } from '../../harness/api.ts'

const rateRps = 500

/** "How long does a name take?": there is no direct way to compare with, only the target's own time. */
export const dnsLatency: Question = {
  id: 'dns-latency',
  title: `How long does a Service name take to resolve, at ${rateRps} queries per second?`,
  means: 'what a client waits for a name before it can connect',
  isStandard: true,
  role: 'gated',
  margin: 0.05,
  unit: 'us',
  better: 'lower',
  metric: 'response-p50',
  effect: 'difference',
  profile: { kind: 'open-loop', rateRps, maxInFlight: 500 },
  warmupMs: 150,
  durationMs: 1_000,
  arms: [{ id: 'target', label: "the target's name server, A over UDP", request: question }],
}

/** "How many queries per second?" */
export const dnsThroughput: Question = {
  id: 'dns-throughput',
  title: 'How many DNS queries per second does a node answer?',
  means: 'how many names the clients of one node can ask for before answers are late',
  isStandard: true,
  role: 'gated',
  margin: 0.05,
  unit: 'req/s',
  better: 'higher',
  metric: 'throughput',
  effect: 'ratio',
  profile: { kind: 'closed-loop', concurrency: 64 },
  warmupMs: 150,
  durationMs: 600,
  arms: [{ id: 'target', label: "the target's name server, A over UDP", request: question }],
}

function question(facts: BenchFacts): LoadTarget {
  return {
    kind: 'dns',
    host: facts.dnsServer,
    port: 53,
    questions: [
      { name: `${facts.serviceName}.${facts.namespace}.svc.${facts.clusterDomain}`, type: 'A' },
    ],
    expect: { rcode: 'NOERROR', minAnswers: 1 },
  }
}
