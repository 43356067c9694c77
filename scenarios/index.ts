import type { Question, Scenario } from '../harness/api.ts'
import { dnsLatency, dnsThroughput } from './bench/dns.ts'
import { l4Latency, l7Latency } from './bench/http-latency.ts'
import { l4Throughput, l7Throughput } from './bench/http-throughput.ts'
import { newConnections } from './bench/new-connections.ts'
import { walkthrough } from './walkthrough/index.ts'

/** Every story that meshmark can tell. A test holds this list against the folders. */
export const scenarios: readonly Scenario[] = [walkthrough]

/** Every question that the benchmark can answer, in the order of the report. */
export const questions: readonly Question[] = [
  l4Latency,
  l7Latency,
  l4Throughput,
  l7Throughput,
  newConnections,
  dnsLatency,
  dnsThroughput,
]
