import { setTimeout as delay } from 'node:timers/promises'
import type { Fixture, FixtureContext } from '../../model/check.ts'
import { ClusterError } from '../../model/errors.ts'
import type { KubeObject, ResourceType } from '../../model/kubernetes.ts'
import type { Namespaces } from './namespaces.ts'

/** How long the pods of a fixture may take to be Ready. */
const readyMs = 90_000

/** Fixtures of one run: made for the first check that wants one, removed after the last. */
export interface Fixtures {
  /** Resolves when it can be used. @throws ClusterError when it does not become ready */
  acquire(fixture: Fixture): Promise<void>
  release(fixture: Fixture): void
  /**
   * Why nothing that was seen of it says anything about the target: a pod of it is gone, not Ready or was restarted.
   * @param breaksNodes - a pod whose containers are ready lives, though its node was not heard of
   */
  whyDead(fixture: Fixture, breaksNodes: boolean): Promise<string | undefined>
  /** Its namespace. */
  namespaceOf(fixture: Fixture): string
}

export interface FixturesInit {
  readonly namespaces: Namespaces
  readonly context: FixtureContext
  /** How many checks want each fixture, by its id. */
  readonly uses: ReadonlyMap<string, number>
}

export function fixturesOf({ namespaces, context, uses }: FixturesInit): Fixtures {
  const making = new Map<string, Promise<void>>()
  /** Uids of the pods that each fixture had when it became ready. */
  const born = new Map<string, ReadonlySet<string>>()
  const left = new Map(uses)
  const namespaceOf = ({ id }: Fixture): string => namespaces.named(`fx-${id}`)
  const make = async (fixture: Fixture): Promise<void> => {
    const scene = { ...context, namespace: namespaceOf(fixture) }
    const manifests = fixture.manifests(scene)
    await namespaces.apply(scene.namespace, manifests, context)
    if (fixture.ready === undefined) await podsReady(scene)
    else await fixture.ready(scene)
    born.set(fixture.id, new Set((await podsIn(scene)).map(uidOf)))
  }
  return {
    namespaceOf,
    acquire: (fixture) => {
      const known = making.get(fixture.id)
      if (known !== undefined) return known
      const made = make(fixture)
      making.set(fixture.id, made)
      return made
    },
    whyDead: async (fixture, breaksNodes) => {
      const lives = breaksNodes ? 'ContainersReady' : 'Ready'
      const { cluster, signal } = context
      const now = await podsIn({ cluster, namespace: namespaceOf(fixture), signal })
      const left = new Set(now.map(uidOf))
      const gone = [...(born.get(fixture.id) ?? [])].filter((uid) => !left.has(uid))
      const dead = now.filter((pod) => !isReady(pod, lives) || restartsOf(pod) > 0).map(describePod)
      const reasons = [...(gone.length > 0 ? [`${gone.length} pod(s) are gone`] : []), ...dead]
      return reasons.length === 0 ? undefined : reasons.join('; ')
    },
    release: (fixture) => {
      const rest = (left.get(fixture.id) ?? 1) - 1
      left.set(fixture.id, rest)
      if (rest === 0) namespaces.remove(namespaceOf(fixture))
    },
  }
}

const pods: ResourceType = {
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  namespaced: true,
}

/**
 * Waits until the namespace has as many Ready pods as its workloads ask for.
 * @throws ClusterError 'not-ready' with the pods that are not
 */
export async function podsReady(
  { cluster, namespace, signal }: FixtureContext,
  withinMs: number = readyMs,
): Promise<void> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const wanted = await podsWanted({ cluster, namespace, signal })
    const items = await podsIn({ cluster, namespace, signal })
    const ready = items.filter((pod) => isReady(pod)).length
    if (ready >= wanted && items.every((pod) => isReady(pod))) return
    if (performance.now() > deadline) {
      const late = items.filter((pod) => !isReady(pod)).map(describePod)
      throw new ClusterError(
        'not-ready',
        `${ready} of ${wanted} pods of ${namespace} are Ready after ${withinMs / 1000} s: ${late.join('; ')}`,
      )
    }
    await delay(100, undefined, { signal })
  }
}

/** Pods that Deployments, DaemonSets left out, and bare Pods of the namespace ask for. */
async function podsWanted({
  cluster,
  namespace,
  signal,
}: Pick<FixtureContext, 'cluster' | 'namespace' | 'signal'>): Promise<number> {
  const deployments = await cluster.kube.typeOf(
    { apiVersion: 'apps/v1', kind: 'Deployment' },
    { signal },
  )
  const { items } = await cluster.kube.list(deployments, { namespace, signal })
  return items.reduce(
    (sum, { spec }) => sum + ((spec as { replicas?: number } | undefined)?.replicas ?? 1),
    0,
  )
}

async function podsIn({
  cluster,
  namespace,
  signal,
}: Pick<FixtureContext, 'cluster' | 'namespace' | 'signal'>): Promise<readonly KubeObject[]> {
  return (await cluster.kube.list(pods, { namespace, signal })).items
}

function uidOf({ metadata }: KubeObject): string {
  return metadata.uid ?? ''
}

function isReady({ metadata, status }: KubeObject, condition = 'Ready'): boolean {
  const { conditions = [] } = (status ?? {}) as {
    conditions?: readonly { type: string; status: string }[]
  }
  return (
    metadata.deletionTimestamp === undefined &&
    conditions.some(({ type, status: is }) => type === condition && is === 'True')
  )
}

function restartsOf({ status }: KubeObject): number {
  const { containerStatuses = [] } = (status ?? {}) as {
    containerStatuses?: readonly { restartCount?: number }[]
  }
  return containerStatuses.reduce((sum, { restartCount = 0 }) => sum + restartCount, 0)
}

function describePod({ metadata, status }: KubeObject): string {
  return `${metadata.name}: ${JSON.stringify(status).slice(0, 400)}`
}
