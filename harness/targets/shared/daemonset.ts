import { setTimeout as delay } from 'node:timers/promises'
import type { AbortOptions } from '../../model/abort.ts'
import type { Cluster } from '../../model/cluster.ts'
import { TargetError } from '../../model/errors.ts'
import type { KubeObject } from '../../model/kubernetes.ts'

interface Status {
  readonly desiredNumberScheduled?: number
  readonly numberReady?: number
}

/** What is to be ready, and when. */
export interface ReadyInit {
  /** Nodes on which it has to run at least. */
  readonly nodes: number
  readonly withinMs: number
}

/**
 * Resolves when a DaemonSet's pod is ready on every node where one belongs.
 * @throws TargetError 'not-ready' naming the pods that are not and what they wait for
 */
export async function daemonSetReady(
  cluster: Cluster,
  daemonSet: KubeObject,
  { nodes, withinMs }: ReadyInit,
  { signal }: AbortOptions,
): Promise<void> {
  const { kube } = cluster
  const type = await kube.typeOf(daemonSet, { signal })
  const { name, namespace = 'default' } = daemonSet.metadata
  const deadline = performance.now() + withinMs
  for (;;) {
    const found = await kube.get(type, { name, namespace }, { signal })
    const { desiredNumberScheduled = 0, numberReady = 0 } = (found?.['status'] ?? {}) as Status
    if (desiredNumberScheduled >= nodes && numberReady === desiredNumberScheduled) return
    if (performance.now() > deadline)
      throw new TargetError(
        'not-ready',
        `${namespace}/${name} is ready on ${numberReady} of ${Math.max(nodes, desiredNumberScheduled)} nodes after ${withinMs / 1000} s`,
        { hint: await whatTheyWaitFor(cluster, namespace, { signal }) },
      )
    await delay(20, undefined, { signal })
  }
}

type ContainerState = Readonly<
  Record<string, { readonly reason?: string; readonly message?: string }>
>

interface PodStatus {
  readonly phase?: string
  readonly containerStatuses?: readonly {
    readonly ready: boolean
    readonly state?: ContainerState
    readonly lastState?: ContainerState
  }[]
}

async function whatTheyWaitFor(
  cluster: Cluster,
  namespace: string,
  { signal }: AbortOptions,
): Promise<string> {
  const pods = await cluster.kube.typeOf({ apiVersion: 'v1', kind: 'Pod' }, { signal })
  const { items } = await cluster.kube.list(pods, { namespace, signal })
  return items
    .map((pod) => `${pod.metadata.name}: ${stateOf((pod['status'] ?? {}) as PodStatus)}`)
    .join('; ')
}

function stateOf({ phase = 'unknown', containerStatuses = [] }: PodStatus): string {
  const states = containerStatuses
    .filter(({ ready }) => !ready)
    .flatMap(({ state = {}, lastState = {} }) => [...told(state), ...told(lastState)])
  return states.length === 0 ? phase : `${phase}, ${states.join(', ')}`
}

function told(state: ContainerState): readonly string[] {
  return Object.entries(state).map(([kind, { reason = '', message = '' }]) =>
    [kind, reason, message.trim()].filter((word) => word !== '').join(' '),
  )
}
