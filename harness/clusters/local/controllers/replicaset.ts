import type { KubeObject } from '../../../model/kubernetes.ts'
import { pods, replicaSets } from '../../kube/types.ts'
import type { ControllerContext } from './context.ts'
import {
  controllerOf,
  isActive,
  isReady,
  keyOf,
  keyParts,
  matches,
  ownedBy,
  type Pod,
  podFromTemplate,
  type Workload,
} from './objects.ts'
import { availableOf, writeStatus } from './workload-status.ts'

/** How long a creation or deletion of ours is believed although the informer has not shown it. */
const expectationMs = 10_000

/** Keeps as many pods as a ReplicaSet asks for. */
export function replicaSetController(context: ControllerContext): void {
  const { client, signal } = context
  const sets = context.watch<Workload>(replicaSets)
  const allPods = context.watch<Pod>(pods)
  const expected = new Map<
    string,
    { readonly created: Set<string>; readonly deleted: Set<string>; until: number }
  >()
  const queue = context.queue('replicaset', reconcile)
  sets.onChange(({ object }) => {
    queue.add(keyOf(object.metadata))
  })
  allPods.onChange(({ object, kind }) => {
    const owner = controllerOf(object)
    const namespace = object.metadata.namespace ?? ''
    if (owner?.kind === 'ReplicaSet') {
      const key = `${namespace}/${owner.name}`
      const waiting = expected.get(key)
      if (kind === 'deleted') waiting?.deleted.delete(object.metadata.uid ?? '')
      else waiting?.created.delete(object.metadata.uid ?? '')
      if (object.metadata.deletionTimestamp !== undefined)
        waiting?.deleted.delete(object.metadata.uid ?? '')
      queue.add(key)
    } else if (owner === undefined && kind !== 'deleted')
      for (const set of sets.list())
        if (
          set.metadata.namespace === namespace &&
          matches(set.spec.selector, object.metadata.labels)
        )
          queue.add(keyOf(set.metadata))
  })

  async function reconcile(key: string): Promise<void> {
    const set = sets.get(keyParts(key))
    if (set === undefined) {
      expected.delete(key)
      return
    }
    const waiting = expected.get(key)
    if (
      waiting !== undefined &&
      waiting.created.size + waiting.deleted.size > 0 &&
      Date.now() < waiting.until
    ) {
      queue.addAfter(key, expectationMs)
      return
    }
    const own = await claim(set)
    const active = own.filter(isActive)
    if (set.metadata.deletionTimestamp === undefined) await scale(key, set, active)
    await report(set, active)
  }

  /** Pods of this set; orphans that match are adopted. */
  async function claim(set: Workload): Promise<readonly Pod[]> {
    const mine: Pod[] = []
    for (const pod of allPods.list()) {
      if (pod.metadata.namespace !== set.metadata.namespace) continue
      const owner = controllerOf(pod)
      if (owner?.uid === set.metadata.uid) mine.push(pod)
      else if (
        owner === undefined &&
        isActive(pod) &&
        set.metadata.deletionTimestamp === undefined &&
        matches(set.spec.selector, pod.metadata.labels)
      ) {
        await client.patch(
          pods,
          keyParts(keyOf(pod.metadata)),
          { metadata: { ownerReferences: [ownedBy(set)] } },
          { signal, type: 'strategic' },
        )
        mine.push(pod)
      }
    }
    return mine
  }

  async function scale(key: string, set: Workload, active: readonly Pod[]): Promise<void> {
    const wanted = set.spec.replicas ?? 1
    const waiting = {
      created: new Set<string>(),
      deleted: new Set<string>(),
      until: Date.now() + expectationMs,
    }
    expected.set(key, waiting)
    const missing = wanted - active.length
    if (missing > 0)
      await Promise.all(
        Array.from({ length: missing }, async () => {
          const made = await client.create(pods, podFromTemplate(set, set.spec.template), {
            signal,
          })
          const uid = made.metadata.uid ?? ''
          if (allPods.get(keyParts(keyOf(made.metadata)))?.metadata.uid !== uid)
            waiting.created.add(uid)
          context.record(
            set,
            'Normal',
            'SuccessfulCreate',
            `Created pod: ${made.metadata.name}`,
            'replicaset-controller',
          )
        }),
      )
    else
      await Promise.all(
        [...active]
          .sort(worstFirst)
          .slice(0, -missing)
          .map(async (pod) => {
            waiting.deleted.add(pod.metadata.uid ?? '')
            await client.delete(pods, keyParts(keyOf(pod.metadata)), { signal })
            context.record(
              set,
              'Normal',
              'SuccessfulDelete',
              `Deleted pod: ${pod.metadata.name}`,
              'replicaset-controller',
            )
          }),
      )
  }

  async function report(set: Workload, active: readonly Pod[]): Promise<void> {
    const ready = active.filter(isReady)
    const labelled = active.filter((pod) =>
      matches({ matchLabels: set.spec.template.metadata?.labels ?? {} }, pod.metadata.labels),
    )
    await writeStatus(context, replicaSets, set, {
      replicas: active.length,
      fullyLabeledReplicas: labelled.length,
      readyReplicas: ready.length,
      availableReplicas: availableOf(set, ready, queue).length,
      observedGeneration: set.metadata.generation,
    })
  }
}

/** Deleted first: without a node, not running, not ready, youngest. */
function worstFirst(a: Pod, b: Pod): number {
  const rank = (pod: Pod): number =>
    (pod.spec.nodeName === undefined ? 0 : 1) +
    (pod.status?.phase === 'Running' ? 1 : 0) +
    (isReady(pod) ? 1 : 0)
  const created = (pod: KubeObject): string => pod.metadata.creationTimestamp ?? ''
  return rank(a) - rank(b) || created(b).localeCompare(created(a))
}
