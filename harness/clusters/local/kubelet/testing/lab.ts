import { join } from 'node:path'
import type { Cluster } from '../../../../model/cluster.ts'
import type { KubeObject } from '../../../../model/kubernetes.ts'
import type { Topology } from '../../../../model/topology.ts'
import { events, pods } from '../../../kube/types.ts'
import { local } from '../../provider.ts'
import { execAt, type ExecResult } from './exec-at.ts'

/** The project's root, seen from dist/harness/clusters/local/kubelet/testing. */
const root = join(import.meta.dirname, ...Array.from({ length: 6 }, () => '..'))

/** How long a test waits for anything at all. */
const waitMs = 30_000

/** A cluster with two nodes, `master` and `edge`, and what tests of the kubelet do with it. */
export interface Lab extends AsyncDisposable {
  readonly cluster: Cluster
  readonly signal: AbortSignal
  /** Creates a pod; on node `edge` when its spec names none. */
  start(name: string, spec: object): Promise<void>
  /** Creates a pod and resolves when it is Ready. */
  ready(name: string, spec: object): Promise<TestPod>
  /** Resolves with the first version of a pod that fits; fails with the last one seen. */
  until(name: string, fits: (pod: TestPod) => boolean): Promise<TestPod>
  /** Resolves when the pod is gone from the API. */
  gone(name: string): Promise<void>
  remove(name: string, gracePeriodSeconds?: number): Promise<void>
  /** Runs a command in a pod's first container, or in the named one. */
  exec(name: string, words: readonly string[], options?: { stdin?: string }): Promise<ExecResult>
  log(name: string, query?: string): Promise<string>
  /**
   * `<type> <reason> <message>` of a pod's events, in their order. They are written beside the status, so it waits, with a
   * bound, until one of them has this text.
   */
  events(name: string, wanted: string): Promise<readonly string[]>
  /** Runs a command on a node, in its host network. */
  on(node: string, argv: readonly string[]): Promise<string>
}

export interface TestPod extends KubeObject {
  readonly status: {
    readonly phase: string
    readonly podIP?: string
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
    readonly containerStatuses?: readonly ContainerStatus[]
    readonly initContainerStatuses?: readonly ContainerStatus[]
  }
}

export interface ContainerStatus {
  readonly name: string
  readonly ready: boolean
  readonly restartCount: number
  readonly state: States
  readonly lastState: States
}

/** How long an event may take to be there after what it tells of, in ms. */
const eventsMs = 10_000

interface States {
  readonly waiting?: { readonly reason: string; readonly message?: string }
  readonly running?: object
  readonly terminated?: {
    readonly exitCode: number
    readonly reason: string
    readonly message?: string
  }
}

/** Boots the cluster. */
export async function lab(
  signal: AbortSignal,
  more: Pick<Topology, 'upstreamDns'> = {},
): Promise<Lab> {
  const cluster = await local({ packageDirectory: root }).create(
    {
      lans: [{ name: 'lan', cidr: '192.168.10.0/24', uplink: 'open' }],
      nodes: [
        { name: 'master', lan: 'lan', role: 'master' },
        { name: 'edge', lan: 'lan', role: 'edge' },
      ],
      clusterDomain: 'cluster.local',
      podCidr: '10.244.0.0/16',
      serviceCidr: '10.96.0.0/16',
      clusterDns: '10.96.0.10',
      ...more,
    },
    { signal, runId: 'kubelet' },
  )
  const { kube } = cluster
  const namespace = 'default'

  const until: Lab['until'] = async (name, fits) => {
    let last: KubeObject | undefined
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(waitMs)])
    try {
      const fieldSelector = `metadata.name=${name}`
      for await (const { object } of kube.watch(pods, {
        namespace,
        fieldSelector,
        signal: bounded,
      })) {
        last = object
        if (fits(object as TestPod)) return object as TestPod
      }
    } catch (error) {
      if (!bounded.aborted) throw error
    }
    throw new Error(
      `pod ${name} did not come to that: ${JSON.stringify(last?.['status'], null, 1)}`,
    )
  }

  const start: Lab['start'] = async (name, spec) => {
    const metadata = { name, namespace, labels: { app: name } }
    const whole = { nodeName: 'edge', terminationGracePeriodSeconds: 1, ...spec }
    await kube.create(pods, { apiVersion: 'v1', kind: 'Pod', metadata, spec: whole }, { signal })
  }

  return {
    cluster,
    signal,
    start,
    until,
    ready: async (name, spec) => {
      await start(name, spec)
      return until(name, isReady)
    },
    gone: async (name) => {
      const deadline = performance.now() + waitMs
      while ((await kube.get(pods, { namespace, name }, { signal })) !== undefined)
        if (performance.now() > deadline) throw new Error(`pod ${name} is still there`)
    },
    remove: async (name, gracePeriodSeconds) => {
      const grace = gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }
      await kube.delete(pods, { namespace, name }, { signal, ...grace })
    },
    exec: (name, words, options = {}) =>
      execAt(
        cluster.kubeconfig,
        `/api/v1/namespaces/${namespace}/pods/${name}/exec`,
        words,
        options,
      ),
    log: async (name, query = '') => {
      const path = `/api/v1/namespaces/${namespace}/pods/${name}/log?${query}`
      return (await kube.request('GET', path, { signal })).body
    },
    events: async (name, wanted) => {
      const deadline = performance.now() + eventsMs
      for (;;) {
        const all = await kube.list<TestEvent>(events, { namespace, signal })
        const told = all.items
          .filter(({ involvedObject }) => involvedObject.name === name)
          .map(({ type, reason, message }) => `${type} ${reason} ${message}`)
        if (performance.now() > deadline || told.some((line) => line.includes(wanted))) return told
      }
    },
    on: async (node, argv) => {
      await using channel = await cluster.spawn({ node, network: 'host' }, 'shell', {
        args: argv,
        signal,
      })
      const lines: string[] = []
      for await (const line of channel.messages)
        lines.push(typeof line === 'string' ? line : JSON.stringify(line))
      return lines.join('\n')
    },
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  }
}

interface TestEvent extends KubeObject {
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly involvedObject: { readonly name: string }
}

export function isReady({ status }: TestPod): boolean {
  return (status.conditions ?? []).some(({ type, status: is }) => type === 'Ready' && is === 'True')
}

/** The status of a pod's first container. */
export function first({ status }: TestPod): ContainerStatus | undefined {
  return status.containerStatuses?.[0]
}

/** A container that runs a shell script with busybox. */
export function script(text: string, more: object = {}): object {
  return { name: 'main', image: 'busybox:1.36', command: ['sh', '-c', text], ...more }
}
