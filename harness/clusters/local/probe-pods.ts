import type { AbortOptions } from '../../model/abort.ts'
import { ClusterError, KubeError } from '../../model/errors.ts'
import type { KubeClient, KubeObject } from '../../model/kubernetes.ts'
import { namespaces, pods } from '../kube/types.ts'

/** Where the pods live in which probes and load generators stand. */
const namespace = 'meshmark-probes'

/** How long such a pod may take to be ready. */
const readyMs = 30_000

/** The pods of the container positions: one per node, made on first use and kept. */
export interface ProbePods {
  /** Gives the uid of the pod on this node, when it is ready. */
  on(node: string, options: AbortOptions): Promise<string>
}

export function probePods(kube: KubeClient): ProbePods {
  const made = new Map<string, Promise<string>>()
  return {
    on: (node, options) => {
      const known = made.get(node)
      if (known !== undefined) return known
      const started = make(kube, node, options)
      started.catch(() => made.delete(node))
      made.set(node, started)
      return started
    },
  }
}

async function make(kube: KubeClient, node: string, { signal }: AbortOptions): Promise<string> {
  await create(() =>
    kube.create(
      namespaces,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
      { signal },
    ),
  )
  const name = `probe-${node}`
  await create(() => kube.create(pods, probePod(name, node), { signal }))
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(readyMs)])
  try {
    const events = kube.watch(pods, {
      namespace,
      fieldSelector: `metadata.name=${name}`,
      signal: bounded,
    })
    for await (const { object } of events) {
      if (isReady(object)) return object.metadata.uid ?? ''
    }
  } catch (error) {
    signal.throwIfAborted()
    if (!bounded.aborted) throw error
  }
  throw new ClusterError(
    'not-ready',
    `the probe's pod on ${node} is not ready after ${readyMs / 1000} s`,
  )
}

function probePod(name: string, node: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { app: 'meshmark-probe' } },
    spec: {
      nodeName: node,
      tolerations: [{ operator: 'Exists' }],
      terminationGracePeriodSeconds: 0,
      automountServiceAccountToken: false,
      containers: [{ name: 'probe', image: 'meshmark/probe' }],
    },
  }
}

function isReady(pod: KubeObject): boolean {
  const { conditions = [] } = (pod['status'] ?? {}) as {
    conditions?: readonly { type: string; status: string }[]
  }
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
}

async function create(make: () => Promise<unknown>): Promise<void> {
  try {
    await make()
  } catch (error) {
    if (!(error instanceof KubeError) || error.reason !== 'AlreadyExists') throw error
  }
}
