import type { Experiment, Question, Scenario } from '../harness/api.ts'
import { convergenceL4, convergenceL7 } from './bench/convergence.ts'
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

/** Every experiment: asked by name only, in this order; those that disturb the target come last. */
export const experiments: readonly Experiment[] = [convergenceL4, convergenceL7]
