import type { KubeObject } from '../../../model/kubernetes.ts'
import { deployments, replicaSets } from '../../kube/types.ts'
import type { ControllerContext } from './context.ts'
import {
  type Condition,
  controllerOf,
  keyOf,
  keyParts,
  ownedBy,
  scaled,
  templateHash,
  timestamp,
  type Workload,
} from './objects.ts'

const revisionAnnotation = 'deployment.kubernetes.io/revision'
const hashLabel = 'pod-template-hash'

/** Rolls a Deployment's template out through ReplicaSets. */
export function deploymentController(context: ControllerContext): void {
  const { client, signal } = context
  const all = context.watch<Workload>(deployments)
  const sets = context.watch<Workload>(replicaSets)
  const queue = context.queue('deployment', reconcile)
  all.onChange(({ object }) => {
    queue.add(keyOf(object.metadata))
  })
  sets.onChange(({ object }) => {
    const owner = controllerOf(object)
    if (owner?.kind === 'Deployment') queue.add(`${object.metadata.namespace ?? ''}/${owner.name}`)
  })

  async function reconcile(key: string): Promise<void> {
    const deployment = all.get(keyParts(key))
    if (deployment === undefined || deployment.metadata.deletionTimestamp !== undefined) return
    const own = sets.list().filter((set) => controllerOf(set)?.uid === deployment.metadata.uid)
    const hash = templateHash(deployment.spec.template)
    const current = own.find((set) => set.metadata.labels?.[hashLabel] === hash)
    const old = own.filter((set) => set !== current)
    if (deployment.spec.paused === true) {
      await report(deployment, current, old)
      return
    }
    const newest = current ?? (await createSet(deployment, hash, own))
    await bumpRevision(deployment, newest, own)
    if (deployment.spec.strategy?.type === 'Recreate') await recreate(deployment, newest, old)
    else await roll(deployment, newest, old)
    await cleanUp(deployment, old)
    await report(deployment, newest, old)
  }

  async function createSet(
    deployment: Workload,
    hash: string,
    own: readonly Workload[],
  ): Promise<Workload> {
    const { template } = deployment.spec
    const labels = { ...template.metadata?.labels, [hashLabel]: hash }
    const { name, namespace = 'default' } = deployment.metadata
    const strategy = deployment.spec.strategy?.type
    const oldCount = own.reduce((sum, set) => sum + (set.spec.replicas ?? 0), 0)
    const wanted = deployment.spec.replicas ?? 1
    const room = Math.max(0, wanted + surge(deployment) - oldCount)
    const replicas =
      strategy === 'Recreate' ? (oldCount === 0 ? wanted : 0) : Math.min(wanted, room)
    const object = {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: `${name}-${hash}`,
        namespace,
        labels,
        annotations: { [revisionAnnotation]: String(highestRevision(own) + 1) },
        ownerReferences: [ownedBy(deployment)],
      },
      spec: {
        replicas,
        selector: {
          ...deployment.spec.selector,
          matchLabels: { ...deployment.spec.selector.matchLabels, [hashLabel]: hash },
        },
        template: { ...template, metadata: { ...template.metadata, labels } },
        ...(deployment.spec.minReadySeconds !== undefined && {
          minReadySeconds: deployment.spec.minReadySeconds,
        }),
      },
    }
    const made = await client.create<Workload>(replicaSets, object, { signal })
    context.record(
      deployment,
      'Normal',
      'ScalingReplicaSet',
      `Scaled up replica set ${made.metadata.name} from 0 to ${replicas}`,
      'deployment-controller',
    )
    return made
  }

  async function bumpRevision(
    deployment: Workload,
    newest: Workload,
    own: readonly Workload[],
  ): Promise<void> {
    const others = own.filter((set) => set.metadata.uid !== newest.metadata.uid)
    const own_ = Number(newest.metadata.annotations?.[revisionAnnotation] ?? 0)
    const revision = own_ > highestRevision(others) ? own_ : highestRevision(others) + 1
    const patch = { metadata: { annotations: { [revisionAnnotation]: String(revision) } } }
    if (revision !== own_)
      await client.patch(replicaSets, keyParts(keyOf(newest.metadata)), patch, {
        signal,
        type: 'merge',
      })
    if (deployment.metadata.annotations?.[revisionAnnotation] !== String(revision))
      await client.patch(deployments, keyParts(keyOf(deployment.metadata)), patch, {
        signal,
        type: 'merge',
      })
  }

  async function recreate(
    deployment: Workload,
    newest: Workload,
    old: readonly Workload[],
  ): Promise<void> {
    for (const set of old) await resize(deployment, set, 0)
    if (old.every((set) => (set.status?.replicas ?? 0) === 0))
      await resize(deployment, newest, deployment.spec.replicas ?? 1)
  }

  /** Never more than replicas + maxSurge pods, never fewer than replicas - maxUnavailable available ones. */
  async function roll(
    deployment: Workload,
    newest: Workload,
    old: readonly Workload[],
  ): Promise<void> {
    const wanted = deployment.spec.replicas ?? 1
    const newCount = newest.spec.replicas ?? 0
    const total = newCount + old.reduce((sum, set) => sum + (set.spec.replicas ?? 0), 0)
    if (newCount > wanted) await resize(deployment, newest, wanted)
    else if (newCount < wanted) {
      const room = wanted + surge(deployment) - total
      if (room > 0) await resize(deployment, newest, Math.min(wanted, newCount + room))
    }
    const available = (set: Workload): number => set.status?.availableReplicas ?? 0
    let spare =
      available(newest) +
      old.reduce((sum, set) => sum + available(set), 0) -
      (wanted - unavailable(deployment))
    for (const set of [...old].sort((a, b) => created(a).localeCompare(created(b)))) {
      const count = set.spec.replicas ?? 0
      if (count === 0) continue
      // why: replicas that are not available serve nobody and can always go
      const unhealthy = Math.max(0, count - available(set))
      const less = Math.min(count, unhealthy + Math.max(0, spare))
      if (less === 0) continue
      spare -= Math.max(0, less - unhealthy)
      await resize(deployment, set, count - less)
    }
  }

  async function resize(deployment: Workload, set: Workload, replicas: number): Promise<void> {
    const before = set.spec.replicas ?? 0
    if (before === replicas) return
    await client.patch(
      replicaSets,
      keyParts(keyOf(set.metadata)),
      { spec: { replicas } },
      { signal, type: 'merge' },
    )
    const way = replicas > before ? 'up' : 'down'
    context.record(
      deployment,
      'Normal',
      'ScalingReplicaSet',
      `Scaled ${way} replica set ${set.metadata.name} from ${before} to ${replicas}`,
      'deployment-controller',
    )
  }

  async function cleanUp(deployment: Workload, old: readonly Workload[]): Promise<void> {
    const empty = old.filter(
      (set) => (set.spec.replicas ?? 0) === 0 && (set.status?.replicas ?? 0) === 0,
    )
    const surplus = empty.length - (deployment.spec.revisionHistoryLimit ?? 10)
    if (surplus <= 0) return
    const oldest = [...empty].sort((a, b) => revisionOf(a) - revisionOf(b)).slice(0, surplus)
    for (const set of oldest)
      await client.delete(replicaSets, keyParts(keyOf(set.metadata)), {
        signal,
        propagationPolicy: 'Background',
      })
  }

  async function report(
    deployment: Workload,
    newest: Workload | undefined,
    old: readonly Workload[],
  ): Promise<void> {
    const every = newest === undefined ? old : [newest, ...old]
    const sum = (field: 'replicas' | 'readyReplicas' | 'availableReplicas'): number =>
      every.reduce((total, set) => total + (set.status?.[field] ?? 0), 0)
    const wanted = deployment.spec.replicas ?? 1
    const available = sum('availableReplicas')
    const updated = newest?.status?.replicas ?? 0
    const isComplete = updated === wanted && sum('replicas') === wanted && available === wanted
    const status = {
      observedGeneration: deployment.metadata.generation,
      replicas: sum('replicas'),
      updatedReplicas: updated,
      readyReplicas: sum('readyReplicas'),
      availableReplicas: available,
      unavailableReplicas:
        Math.max(0, sum('replicas') - available) || (available < wanted ? wanted - available : 0),
      conditions: [
        available >= wanted - unavailable(deployment)
          ? condition(
              deployment,
              'Available',
              'True',
              'MinimumReplicasAvailable',
              'Deployment has minimum availability.',
            )
          : condition(
              deployment,
              'Available',
              'False',
              'MinimumReplicasUnavailable',
              'Deployment does not have minimum availability.',
            ),
        progress(deployment, newest, isComplete),
      ],
    }
    if (JSON.stringify(comparable(status)) === JSON.stringify(comparable(deployment.status ?? {})))
      return
    await client.patch(
      deployments,
      keyParts(keyOf(deployment.metadata)),
      { status },
      { signal, type: 'merge', subresource: 'status' },
    )
  }

  function progress(
    deployment: Workload,
    newest: Workload | undefined,
    isComplete: boolean,
  ): Condition {
    const name = newest?.metadata.name ?? ''
    if (isComplete)
      return condition(
        deployment,
        'Progressing',
        'True',
        'NewReplicaSetAvailable',
        `ReplicaSet "${name}" has successfully progressed.`,
      )
    const known = deployment.status?.conditions?.find(({ type }) => type === 'Progressing')
    const deadlineMs = (deployment.spec.progressDeadlineSeconds ?? 600) * 1000
    const since =
      known?.lastUpdateTime === undefined ? 0 : Date.now() - Date.parse(known.lastUpdateTime)
    if (known?.reason === 'ReplicaSetUpdated' && since > deadlineMs)
      return condition(
        deployment,
        'Progressing',
        'False',
        'ProgressDeadlineExceeded',
        `ReplicaSet "${name}" has timed out progressing.`,
      )
    queue.addAfter(keyOf(deployment.metadata), Math.max(1000, deadlineMs - since + 500))
    return condition(
      deployment,
      'Progressing',
      'True',
      'ReplicaSetUpdated',
      `ReplicaSet "${name}" is progressing.`,
    )
  }
}

function condition(
  deployment: Workload,
  type: string,
  status: string,
  reason: string,
  message: string,
): Condition {
  const known = deployment.status?.conditions?.find((one) => one.type === type)
  const now = timestamp()
  const isSame = known?.status === status && known.reason === reason && known.message === message
  return {
    type,
    status,
    reason,
    message,
    lastUpdateTime: isSame ? (known.lastUpdateTime ?? now) : now,
    lastTransitionTime: known?.status === status ? (known.lastTransitionTime ?? now) : now,
  }
}

/** Counters that are zero may be absent. */
function comparable(status: object): unknown {
  return Object.fromEntries(
    Object.entries(status)
      .filter(([, value]) => value !== 0)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}

function surge({ spec }: Workload): number {
  const wanted = spec.replicas ?? 1
  const most = scaled(spec.strategy?.rollingUpdate?.maxSurge, wanted, 'up', 0)
  return most === 0 && scaled(spec.strategy?.rollingUpdate?.maxUnavailable, wanted, 'down', 0) === 0
    ? 1
    : most
}

function unavailable({ spec }: Workload): number {
  return scaled(spec.strategy?.rollingUpdate?.maxUnavailable, spec.replicas ?? 1, 'down', 0)
}

function created(object: KubeObject): string {
  return object.metadata.creationTimestamp ?? ''
}

function revisionOf(set: KubeObject): number {
  return Number(set.metadata.annotations?.[revisionAnnotation] ?? 0)
}

function highestRevision(sets: readonly KubeObject[]): number {
  return Math.max(0, ...sets.map(revisionOf))
}
