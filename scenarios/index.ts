import type { Experiment, Question, Scenario } from '../harness/api.ts'
import { convergenceDns, convergenceL4, convergenceL7 } from './bench/convergence.ts'
import { dnsAaaa, dnsPtr, dnsSearchPath, dnsSearchPathCold, dnsSrv } from './bench/dns-types.ts'
import { dnsLatency, dnsThroughput } from './bench/dns.ts'
import { l4Latency, l7Latency } from './bench/http-latency.ts'
import { l4Throughput, l7Throughput } from './bench/http-throughput.ts'
import {
  l4Payload1k,
  l4Payload4m,
  l4Payload64k,
  l7Payload1k,
  l7Payload4m,
  l7Payload64k,
} from './bench/payload-latency.ts'
import { l4Capacity, l7Capacity } from './bench/capacity.ts'
import { mixed } from './bench/mixed.ts'
import { outsideTheMesh } from './bench/outside-the-mesh.ts'
import { scale } from './bench/scale.ts'
import { restart } from './bench/restart.ts'
import { udpChurn } from './bench/udp-churn.ts'
import { udpFlowRate } from './bench/udp-flows.ts'
import { l4WebSocket, l7WebSocket } from './bench/websocket-echo.ts'
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
  l4Payload1k,
  l4Payload64k,
  l4Payload4m,
  l7Payload1k,
  l7Payload64k,
  l7Payload4m,
  dnsAaaa,
  dnsSrv,
  dnsPtr,
  dnsSearchPath,
  dnsSearchPathCold,
  udpFlowRate,
  l4WebSocket,
  l7WebSocket,
]

/** Every experiment: asked by name only, in this order; those that disturb the target come last. */
export const experiments: readonly Experiment[] = [
  convergenceL4,
  convergenceL7,
  convergenceDns,
  l4Capacity,
  l7Capacity,
  mixed,
  udpChurn,
  restart,
  outsideTheMesh,
  scale,
]
