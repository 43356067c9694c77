/** Doubles of a cluster, a target and a load generator: what the engine does with them needs no real ones. */
import type { Cluster, ClusterNode, ClusterProvider, ProgramChannel } from '../../model/cluster.ts'
import type { KubeClient } from '../../model/kubernetes.ts'
import type { LoadGenerator, LoadJob, LoadResult } from '../../model/load.ts'
import type { Probe } from '../../model/probe.ts'
import type { EnvironmentInfo } from '../../model/run-result.ts'
import type { Scenario, Step } from '../../model/scenario.ts'
import type { DeployedTarget, Target } from '../../model/target.ts'
import { defaultTopologyDouble } from './topology.ts'

/** Everything that the doubles were asked to do, in order. */
export type Diary = string[]

const nodes: readonly ClusterNode[] = [
  { name: 'master', role: 'master', address: '192.0.2.10', lan: 'lan' },
  { name: 'edge-node-a', role: 'edge', address: '192.0.2.11', lan: 'lan' },
  { name: 'edge-node-b', role: 'edge', address: '192.0.2.12', lan: 'lan' },
]

function unused(what: string): () => never {
  return () => {
    throw new Error(`the double has no ${what}`)
  }
}

const channel: ProgramChannel = {
  send: unused('send'),
  end: unused('end'),
  messages: { [Symbol.asyncIterator]: unused('messages') },
  exited: new Promise(() => undefined),
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

const kube = new Proxy({}, { get: (_target, name) => unused(String(name)) }) as KubeClient

export function clusterDouble(diary: Diary): Cluster {
  return {
    provider: 'double',
    capabilities: new Set(),
    kubeconfig: '/nowhere',
    apiServer: 'https://192.0.2.10:6443',
    topology: defaultTopologyDouble,
    nodes,
    description: { kubernetes: 'none' },
    kube,
    spawn: (at, program) => {
      diary.push(`spawn ${program} at ${at.node}/${at.network}`)
      return Promise.resolve(channel)
    },
    apply: unused('apply'),
    fault: unused('fault'),
    collect: (directory) => {
      diary.push(`collect ${directory}`)
      return Promise.resolve()
    },
    [Symbol.asyncDispose]: () => {
      diary.push('remove the cluster')
      return Promise.resolve()
    },
  }
}

export function providerDouble(diary: Diary): ClusterProvider {
  return {
    id: 'double',
    preflight: () => Promise.resolve([]),
    create: () => {
      diary.push('create the cluster')
      return Promise.resolve(clusterDouble(diary))
    },
  }
}

export function deployedDouble(diary: Diary, more: Partial<DeployedTarget> = {}): DeployedTarget {
  return {
    ready: () => Promise.resolve(),
    restart: unused('restart'),
    usage: () => Promise.resolve({ cpuUs: 0, rssBytes: 0, openFiles: 0 }),
    [Symbol.asyncDispose]: () => {
      diary.push('uninstall the target')
      return Promise.resolve()
    },
    ...more,
  }
}

export function targetDouble(diary: Diary, more: Partial<DeployedTarget> = {}): Target {
  return {
    id: 'double',
    identity: { organization: 'o', project: 'double', url: 'u', version: '1', contact: [] },
    features: new Set(['l7-proxy']),
    topology: {},
    deploy: () => {
      diary.push('deploy the target')
      return Promise.resolve(deployedDouble(diary, more))
    },
  }
}

export const probeDouble: Probe = {
  run: unused('run'),
  stream: unused('stream'),
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

export interface GeneratorDouble extends LoadGenerator {
  /** The jobs it was given, in order. */
  readonly jobs: readonly LoadJob[]
}

/** A generator that answers each job from a function. */
export function generatorDouble(
  resultOf: (job: LoadJob, index: number) => Partial<LoadResult>,
): GeneratorDouble {
  const jobs: LoadJob[] = []
  return {
    jobs,
    run: (job) => {
      jobs.push(job)
      return Promise.resolve({ ...goodResult, ...resultOf(job, jobs.length - 1) })
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

/** Quantiles of a window in which every answer took as long. */
export function allAt(us: number): LoadResult['response'] {
  return { count: 1_000, minUs: us, meanUs: us, p50Us: us, maxUs: us, encoded: '' }
}

const goodResult: LoadResult = {
  scheduled: 1_000,
  completed: 1_000,
  failures: {},
  windowMs: 1_000,
  achievedRps: 1_000,
  response: allAt(100),
  service: allAt(100),
  lag: allAt(1),
  meanInFlight: 0.1,
  generator: { cpuUs: 1, eventLoopUtilization: 0.1, gcMs: 0, tool: 'double' },
  invalid: [],
}

export function scenarioOf(steps: readonly Step[]): Scenario {
  return { id: 'story', title: 'A story', source: { title: 'a test' }, steps }
}

export function environmentDouble(): Promise<EnvironmentInfo> {
  return Promise.resolve({} as EnvironmentInfo)
}
