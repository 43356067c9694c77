import type { ClusterInfo, EnvironmentInfo, RunResult, SuiteInfo } from '../model/run-result.ts'
import { madeBench } from './fixtures/bench.ts'
import { troubled } from './fixtures/conformance-others.ts'
import { madeConformance } from './fixtures/conformance.ts'
import { madeExperiments, unansweredExperiment } from './fixtures/experiments.ts'
import { madeGate } from './fixtures/gate.ts'
import { failedSteps, passedSteps } from './fixtures/steps.ts'

const suite: SuiteInfo = {
  name: 'meshmark',
  version: '0.1.0',
  commit: '8ac377a0c4f84a0a1f8e2b6f0f6f7e0d3a5b9c21',
  dirty: false,
  seed: 2_864_434_397,
  argv: ['run', '--seed', '2864434397'],
}

const environment: EnvironmentInfo = {
  os: 'Debian GNU/Linux 12 (bookworm)',
  kernel: '6.1.0-28-amd64',
  arch: 'x64',
  cpuModel: 'Intel(R) Xeon(R) Platinum 8370C CPU @ 2.80GHz',
  cpus: 2,
  memoryMib: 7_937,
  clocksource: 'tsc',
  virtualization: 'kvm',
  loadAverageAtStart: [0.21, 0.18, 0.09],
  tools: {
    node: '20.20.0',
    nginx: '1.22.1',
    nft: '1.0.6',
    iproute2: '6.1.0',
    autocannon: '9.0.0',
    kubectl: '1.32.0',
  },
}

const cluster: ClusterInfo = {
  provider: 'local',
  nodes: [
    { name: 'master', role: 'master', address: '192.168.10.10', lan: 'lan' },
    { name: 'edge-node-a', role: 'edge', address: '192.168.10.11', lan: 'lan' },
    { name: 'edge-node-b', role: 'edge', address: '192.168.10.12', lan: 'lan' },
  ],
  readyMs: 1_184,
  targetReadyMs: 412,
  description: {
    isolation: 'network namespaces in one sandbox, as root',
    'pod network': '10.244.0.0/16, routed',
    'service network': '10.96.0.0/16',
  },
}

const farCluster: ClusterInfo = {
  ...cluster,
  nodes: [
    { name: 'master', role: 'master', address: '192.168.10.10', lan: 'cloud' },
    { name: 'edge-node-a', role: 'edge', address: '192.168.20.10', lan: 'site-a' },
    { name: 'edge-node-b', role: 'edge', address: '192.168.30.10', lan: 'site-b' },
    { name: 'edge-node-c', role: 'edge', address: '192.168.30.11', lan: 'site-b' },
  ],
}

const implementation: RunResult['implementation'] = {
  target: 'reference',
  organization: 'meshmark',
  project: 'meshmark reference data plane',
  url: 'https://github.com/meshmark/meshmark',
  version: '0.1.0',
  contact: [],
}

const tutorial = {
  scenario: 'walkthrough',
  title: 'Edge connection with EdgeMesh: the tutorial',
  sourceUrl: 'https://kubeedge.io/docs/advanced/edgemesh',
} as const

/** Pairs of the quick benchmark. */
const pairs = 6

/** Everything passed; one trial was not valid and was run again. */
export function passingRun(): RunResult {
  return {
    apiVersion: 'meshmark.dev/v1alpha1',
    kind: 'RunResult',
    schemaVersion: '1.3.0',
    runId: '20251124-031104-9f2c1e',
    startedAt: '2025-11-24T03:11:04.213Z',
    durationMs: 84_310,
    partial: false,
    suite,
    implementation,
    environment,
    cluster,
    walkthrough: { ...tutorial, steps: passedSteps },
    bench: madeBench({
      seed: 1,
      pairs: pairs + 1,
      invalid: (question, pair, arm) =>
        question === 'l7-latency' && pair === 2 && arm === 'target'
          ? 'the schedule was not held: lag p99 of 3412 µs, at most 1000 µs are allowed'
          : undefined,
    }),
    problems: [],
    conclusion: 'passed',
  }
}

/** A newer release of the same: slower, on another kernel. */
export function nextRelease(): RunResult {
  return {
    ...passingRun(),
    runId: '20251209-101532-77ab03',
    startedAt: '2025-12-09T10:15:32.900Z',
    implementation: { ...implementation, version: '0.2.0' },
    environment: { ...environment, kernel: '6.12.6-amd64' },
    bench: madeBench({ seed: 2, pairs, targetFactor: 1.12 }),
  }
}

/** Two steps failed, one could not be judged, one was skipped; nodes in three LANs. */
export function failingRun(): RunResult {
  return {
    ...passingRun(),
    runId: '20251124-040201-0b11d7',
    startedAt: '2025-11-24T04:02:01.007Z',
    suite: {
      ...suite,
      seed: 7,
      dirty: true,
      argv: ['run', '--target', "./my adapter's.js", '--seed', '7'],
    },
    implementation: {
      target: 'edgemesh',
      organization: 'kubeedge',
      project: 'EdgeMesh',
      url: 'https://github.com/kubeedge/edgemesh',
      version: 'v1.17.0',
      contact: ['@kubeedge/edgemesh-maintainers'],
    },
    cluster: farCluster,
    walkthrough: { ...tutorial, steps: failedSteps },
    bench: madeBench({ seed: 3, pairs, targetFactor: 2.4 }),
    problems: ['evidence could not be collected: kubelet of edge-node-a does not answer'],
    conclusion: 'failed',
  }
}

/** Ctrl-C in the middle of the benchmark. */
export function partialRun(): RunResult {
  return {
    ...passingRun(),
    runId: '20251124-050000-5e0f60',
    durationMs: 21_902,
    partial: true,
    bench: madeBench({ seed: 4, pairs: 2, questions: 3 }),
    conclusion: 'inconclusive',
  }
}

/** One question, or those whose id ends so, has no valid trial: the generator was the bottleneck. */
export function invalidRun(end: string = 'l4-throughput'): RunResult {
  return {
    ...passingRun(),
    runId: '20251124-060000-c0ffee',
    bench: madeBench({
      seed: 5,
      pairs,
      invalid: (question, _pair, arm) =>
        question.endsWith(end) && arm === 'target'
          ? 'the load generator was the bottleneck: event loop 97 % busy, at most 80 % is allowed'
          : undefined,
    }),
    conclusion: 'invalid',
  }
}

/** The conformance suite alone; every row of what is claimed passed. */
export function conformantRun(times: number = 1): RunResult {
  const { walkthrough: _walkthrough, bench: _bench, ...rest } = passingRun()
  const seed = 41
  return {
    ...rest,
    runId: '20251124-070000-c04f08',
    durationMs: 48_200,
    suite: { ...suite, seed, argv: ['conform', '--seed', '41'] },
    conformance: madeConformance({
      seed,
      target: 'reference',
      declaredFeatures: ['ipv6', 'externalName', 'nodePort', 'retries', 'consistentHash'],
      conclusion: 'conformant',
      times,
    }),
  }
}

/** The conformance suite alone against another data plane: trouble of every kind. */
export function nonConformantRun(times: number = 1): RunResult {
  const { implementation: tested, problems } = failingRun()
  return {
    ...conformantRun(),
    runId: '20251124-080000-bad0f5',
    suite: { ...suite, seed: 7, argv: ['conform', '--target', 'edgemesh', '--seed', '7'] },
    implementation: { ...tested, mode: 'as shipped: CPU 200m' },
    conformance: madeConformance({
      seed: 7,
      target: 'edgemesh',
      declaredFeatures: ['externalName', 'nodePort', 'consistentHash'],
      conclusion: 'nonConformant',
      others: troubled,
      times,
    }),
    problems,
    conclusion: 'failed',
  }
}

/** A candidate that got slower than its baseline. */
export function comparedRun(): RunResult {
  const { walkthrough: _walkthrough, bench: _bench, ...rest } = passingRun()
  return {
    ...rest,
    runId: '20251124-090000-9a7e00',
    durationMs: 201_000,
    suite: { ...suite, seed: 3, argv: ['bench', '--vs', 'git:v0.1.0', '--gate', '--seed', '3'] },
    gate: madeGate(),
    conclusion: 'failed',
  }
}

/** Questions of every kind, asked by name: some answered, some skipped. */
export function askedByName(): RunResult {
  const { walkthrough: _walkthrough, ...rest } = passingRun()
  const { order, ...bench } = madeBench({ seed: 6, pairs, questions: 1 })
  return {
    ...rest,
    runId: '20251124-100000-a5ced0',
    suite: { ...suite, seed: 6, argv: ['bench', '--only', '*', '--seed', '6'] },
    bench: {
      ...bench,
      order,
      skipped: [
        { id: 'l7-payload', title: 'How long?', reason: 'the target does not claim l7-proxy' },
      ],
      experiments: madeExperiments,
    },
  }
}

/** An experiment has no answer, and nothing else was asked. */
export function unansweredRun(): RunResult {
  return {
    ...askedByName(),
    runId: '20251124-110000-0a5ced',
    bench: { questions: [], order: [], experiments: [unansweredExperiment] },
    conclusion: 'invalid',
  }
}

/** Every fixture. */
export function allRuns(): readonly RunResult[] {
  return [
    passingRun(),
    nextRelease(),
    failingRun(),
    partialRun(),
    invalidRun(),
    conformantRun(),
    nonConformantRun(),
    comparedRun(),
    askedByName(),
    unansweredRun(),
  ]
}
