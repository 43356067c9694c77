import { randomUUID } from 'node:crypto'
import type { BenchFacts, LoadTarget, Question } from '../../harness/api.ts'

type Dns = Extract<LoadTarget, { kind: 'dns' }>

/** As of `dns-latency`, so that types can be compared. */
const base = {
  role: 'advisory',
  margin: 0.05,
  unit: 'us',
  better: 'lower',
  metric: 'response-p50',
  effect: 'difference',
  profile: { kind: 'open-loop', rateRps: 500, maxInFlight: 500 },
  calibration: { share: 0.4, concurrency: 32 },
  warmupMs: 150,
  durationMs: 1_000,
} as const

/** "How long does the answer that there is no IPv6 address take?": clients ask for A and AAAA, and wait for both. */
export const dnsAaaa: Question = dns(
  'dns-aaaa',
  'How long does it take to learn that a Service has no IPv6 address?',
  'what every client that asks for both families waits, on a cluster with IPv4 alone',
  (facts) => [{ name: service(facts), type: 'AAAA' }],
  { rcode: 'NOERROR', minAnswers: 0 },
)

/** "How long does an SRV record take?" */
export const dnsSrv: Question = dns(
  'dns-srv',
  'How long does a named port (SRV) take to resolve?',
  'what clients wait that look for ports by name',
  (facts) => [{ name: `_tcp-0._tcp.${service(facts)}`, type: 'SRV' }],
  { rcode: 'NOERROR', minAnswers: 1 },
)

/** "How long does a PTR record take?" */
export const dnsPtr: Question = dns(
  'dns-ptr',
  'How long does the name of a ClusterIP (PTR) take?',
  'what servers wait that log the names of their peers',
  ({ clusterIp }) => [
    { name: `${clusterIp.split('.').toReversed().join('.')}.in-addr.arpa`, type: 'PTR' },
  ],
  { rcode: 'NOERROR', minAnswers: 1 },
)

/** "How long does each step through the search path take?": with ndots:5 an outside name costs one for every domain. */
export const dnsSearchPath: Question = dns(
  'dns-search-path',
  'How long does each NXDOMAIN of the search path take, for a name that was asked before?',
  'what a client waits for each search domain before it may ask for a name outside of the cluster; three of them with the usual ndots:5',
  (facts) => searched(facts, 'example.org'),
  { rcode: 'NXDOMAIN', minAnswers: 0 },
)

/** So many names that none comes again within a window. */
const names = 4_000

/** "And for a name that nobody asked before?": no cache of the answer can help. */
export const dnsSearchPathCold: Question = dns(
  'dns-search-path-cold',
  'How long does each NXDOMAIN of the search path take, for a name that is new?',
  'the same where no cache helps: the first question for each outside name',
  (facts) => {
    // why: what an earlier trial asked is in a cache by now
    const trial = randomUUID().slice(0, 8)
    return Array.from({ length: names }, (_, index) =>
      searched(facts, `${trial}-${index}.example.org`),
    ).flat()
  },
  { rcode: 'NXDOMAIN', minAnswers: 0 },
)

/** What a resolver with the search path of a pod asks before it asks for the name itself. */
function searched({ namespace, clusterDomain }: BenchFacts, name: string): Dns['questions'] {
  return [`${namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain].map(
    (domain) => ({ name: `${name}.${domain}`, type: 'A' }),
  )
}

function service({ serviceName, namespace, clusterDomain }: BenchFacts): string {
  return `${serviceName}.${namespace}.svc.${clusterDomain}`
}

function dns(
  id: string,
  title: string,
  means: string,
  questions: (facts: BenchFacts) => Dns['questions'],
  expect: Dns['expect'],
): Question {
  return {
    ...base,
    id,
    title,
    means,
    arms: [
      {
        id: 'target',
        label: "the target's name server, UDP",
        request: (facts) => ({
          kind: 'dns',
          host: facts.dnsServer,
          port: 53,
          questions: questions(facts),
          expect,
        }),
      },
    ],
  }
}
