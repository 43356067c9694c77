import { daemonSets, nodes, pods } from '../../kube/types.ts'
import type { ControllerContext } from './context.ts'
import {
  controllerOf,
  isActive,
  isReady,
  keyOf,
  keyParts,
  type Node,
  type Pod,
  podFromTemplate,
  type PodSpec,
  scaled,
  templateHash,
  type Toleration,
  type Workload,
} from './objects.ts'
import { obstacle } from './placement.ts'
import { availableOf, writeStatus } from './workload-status.ts'

const hashLabel = 'controller-revision-hash'

/** Taints that a DaemonSet's pods always tolerate, as in Kubernetes. */
const alwaysTolerated: readonly Toleration[] = [
  ...['not-ready', 'unreachable'].map((name) => ({
    key: `node.kubernetes.io/${name}`,
    operator: 'Exists' as const,
    effect: 'NoExecute',
  })),
  ...['disk-pressure', 'memory-pressure', 'pid-pressure', 'unschedulable'].map((name) => ({
    key: `node.kubernetes.io/${name}`,
    operator: 'Exists' as const,
    effect: 'NoSchedule',
  })),
]

/** One pod of a DaemonSet on every node that takes it. */
export function daemonSetController(context: ControllerContext): void {
  const { client, signal } = context
  const all = context.watch<Workload>(daemonSets)
  const allPods = context.watch<Pod>(pods)
  const allNodes = context.watch<Node>(nodes)
  /** Nodes for which a pod was made a moment ago, by DaemonSet. */
  const made = new Map<string, Map<string, string>>()
  const queue = context.queue('daemonset', reconcile)
  all.onChange(({ object }) => {
    queue.add(keyOf(object.metadata))
  })
  allPods.onChange(({ object }) => {
    const owner = controllerOf(object)
    if (owner?.kind === 'DaemonSet') queue.add(`${object.metadata.namespace ?? ''}/${owner.name}`)
  })
  allNodes.onChange(() => {
    for (const one of all.list()) queue.add(keyOf(one.metadata))
  })

  async function reconcile(key: string): Promise<void> {
    const set = all.get(keyParts(key))
    if (set === undefined) {
      made.delete(key)
      return
    }
    if (set.metadata.deletionTimestamp !== undefined) return
    const hash = templateHash(set.spec.template)
    const own = allPods.list().filter((pod) => controllerOf(pod)?.uid === set.metadata.uid)
    const spec = tolerant(set.spec.template.spec)
    const wanted = allNodes.list().filter((node) => obstacle(spec, node) === undefined)
    const pending = made.get(key) ?? new Map<string, string>()
    made.set(key, pending)
    for (const pod of own) pending.delete(nodeOf(pod) ?? '')
    const removals: Pod[] = own.filter(
      (pod) => isActive(pod) && !wanted.some((node) => node.metadata.name === nodeOf(pod)),
    )
    for (const pod of own)
      if (!isActive(pod) && pod.metadata.deletionTimestamp === undefined) removals.push(pod)
    await Promise.all([
      ...wanted
        .filter(
          ({ metadata }) =>
            !pending.has(metadata.name) && !own.some((pod) => nodeOf(pod) === metadata.name),
        )
        .map((node) => create(set, node.metadata.name, hash, spec, pending)),
      ...removals.map((pod) => remove(pod)),
    ])
    if (set.spec.updateStrategy?.type !== 'OnDelete')
      await update(set, hash, own.filter(isActive), wanted.length)
    await report(set, hash, own.filter(isActive), wanted)
  }

  async function create(
    set: Workload,
    node: string,
    hash: string,
    spec: PodSpec,
    pending: Map<string, string>,
  ): Promise<void> {
    pending.set(node, hash)
    try {
      // why: bound here and now; the scheduler would only find the same node again
      const pod = podFromTemplate(set, set.spec.template, {
        labels: { [hashLabel]: hash },
        spec: { ...spec, nodeName: node },
      })
      const { metadata } = await client.create(pods, pod, { signal })
      context.record(
        set,
        'Normal',
        'SuccessfulCreate',
        `Created pod: ${metadata.name}`,
        'daemonset-controller',
      )
    } catch (error) {
      pending.delete(node)
      throw error
    }
  }

  async function remove(pod: Pod): Promise<void> {
    await client.delete(pods, keyParts(keyOf(pod.metadata)), { signal })
  }

  /** Replaces pods of an older template, at most maxUnavailable at a time. */
  async function update(
    set: Workload,
    hash: string,
    own: readonly Pod[],
    count: number,
  ): Promise<void> {
    const outdated = own.filter((pod) => pod.metadata.labels?.[hashLabel] !== hash)
    const most = Math.max(
      1,
      scaled(set.spec.updateStrategy?.rollingUpdate?.maxUnavailable, count, 'up', 1),
    )
    const missing = count - own.filter(isReady).length
    let room = Math.max(0, most - missing)
    for (const pod of outdated) {
      if (isReady(pod)) {
        if (room === 0) continue
        room -= 1
      }
      await remove(pod)
    }
  }

  async function report(
    set: Workload,
    hash: string,
    own: readonly Pod[],
    wanted: readonly Node[],
  ): Promise<void> {
    const names = new Set(wanted.map(({ metadata }) => metadata.name))
    const placed = own.filter((pod) => names.has(nodeOf(pod) ?? ''))
    const ready = placed.filter(isReady)
    const available = availableOf(set, ready, queue)
    const updated = placed.filter((pod) => pod.metadata.labels?.[hashLabel] === hash)
    await writeStatus(context, daemonSets, set, {
      currentNumberScheduled: placed.length,
      desiredNumberScheduled: wanted.length,
      numberMisscheduled: own.length - placed.length,
      numberReady: ready.length,
      numberAvailable: available.length,
      numberUnavailable: wanted.length - available.length,
      updatedNumberScheduled: updated.length,
      observedGeneration: set.metadata.generation,
    })
  }
}

function tolerant(spec: PodSpec): PodSpec {
  return { ...spec, tolerations: [...(spec.tolerations ?? []), ...alwaysTolerated] }
}

function nodeOf(pod: Pod): string | undefined {
  return pod.spec.nodeName
}
