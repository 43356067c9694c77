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
  /** Says that this pod is gone. False when it is not the one that is known. */
  forget(node: string, uid: string): boolean
}

export function probePods(kube: KubeClient): ProbePods {
  const making = new Map<string, Promise<string>>()
  const known = new Map<string, string>()
  const on: ProbePods['on'] = async (node, options) => {
    for (;;) {
      options.signal.throwIfAborted()
      const uid = known.get(node)
      if (uid !== undefined) return uid
      const others = making.get(node)
      if (others === undefined) return makeOnce(node, options)
      // why: who makes it may give up; then it is our turn
      await others.catch(() => undefined)
    }
  }
  const makeOnce = async (node: string, options: AbortOptions): Promise<string> => {
    const made = make(kube, node, options)
    making.set(node, made)
    try {
      const uid = await made
      known.set(node, uid)
      return uid
    } finally {
      making.delete(node)
    }
  }
  return {
    on,
    forget: (node, uid) => known.get(node) === uid && known.delete(node),
  }
}

async function make(kube: KubeClient, node: string, { signal }: AbortOptions): Promise<string> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(readyMs)])
  let last: KubeObject | undefined
  try {
    for (;;) {
      const uid = await becomesReady(kube, node, { signal: bounded }, (pod) => (last = pod))
      if (uid !== undefined) return uid
    }
  } catch (error) {
    signal.throwIfAborted()
    if (!bounded.aborted) throw error
  }
  const status = last === undefined ? 'it was never seen' : JSON.stringify(last['status'])
  throw new ClusterError(
    'not-ready',
    `the probe's pod on ${node} is not ready after ${readyMs / 1000} s: ${status}`,
  )
}

/** Makes the pod and watches it; undefined when it is deleted before it is ready, so that another has to be made. */
async function becomesReady(
  kube: KubeClient,
  node: string,
  { signal }: AbortOptions,
  seen: (pod: KubeObject) => void,
): Promise<string | undefined> {
  const metadata = { name: namespace }
  await create(() =>
    kube.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata }, { signal }),
  )
  const name = `probe-${node}`
  await create(() => kube.create(pods, probePod(name, node), { signal }))
  const fieldSelector = `metadata.name=${name}`
  for await (const { type, object } of kube.watch(pods, { namespace, fieldSelector, signal })) {
    if (type === 'DELETED') return undefined
    if (type === 'BOOKMARK') continue
    seen(object)
    if (isReady(object)) return object.metadata.uid ?? ''
  }
  return undefined
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

function isReady({ metadata, status }: KubeObject): boolean {
  const { conditions = [] } = (status ?? {}) as {
    conditions?: readonly { type: string; status: string }[]
  }
  return (
    metadata.deletionTimestamp === undefined &&
    conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True')
  )
}

async function create(make: () => Promise<unknown>): Promise<void> {
  try {
    await make()
  } catch (error) {
    if (!(error instanceof KubeError) || error.reason !== 'AlreadyExists') throw error
  }
}
