import type { AbortOptions } from '../../model/abort.ts'
import { KubeError } from '../../model/errors.ts'
import type { KubeClient, KubeObject, ResourceType } from '../../model/kubernetes.ts'
import { allTypes } from '../kube/all-types.ts'
import { type Applied, rankOf, removeObjects } from '../kube/apply.ts'
import { makerOf, runLabel } from '../kube/run-mark.ts'
import type { Owner } from '../owner.ts'

export interface LeftObjectsInit {
  readonly isDead: (owner: Owner) => Promise<boolean>
  /** Ids of runs whose objects stay although their maker is dead: a target that was left on purpose. */
  readonly stays?: readonly string[]
  /** False: they are asked to go, and nobody waits. */
  readonly wait: boolean
}

/** Types that come and go by themselves. */
const passing = ['events', 'leases']

/**
 * Removes every object that bears the mark of a run whose harness is dead, and nothing else. Gives their names.
 * @throws ClusterError 'not-ready' naming what is not gone after a minute
 */
export async function removeLeftObjects(
  kube: KubeClient,
  init: LeftObjectsInit,
  options: AbortOptions,
): Promise<readonly string[]> {
  const types = await allTypes(kube, options)
  const marked = await Promise.all(
    types
      .filter(({ plural }) => !passing.includes(plural))
      .map((type) => markedObjects(kube, type, options)),
  )
  const left: Applied[] = []
  for (const { type, object } of marked.flat()) {
    const { name, namespace } = object.metadata
    if (await isLeft(object, init))
      left.push({ type, key: { name, ...(namespace !== undefined && { namespace }) } })
  }
  const gone = new Set(
    left.filter(({ type }) => type.kind === 'Namespace').map(({ key }) => key.name),
  )
  const own = left
    .filter(({ key }) => !gone.has(key.namespace ?? ''))
    .sort((a, b) => rankOf(a.type.kind) - rankOf(b.type.kind))
  if (init.wait) await removeObjects(kube, own)
  else for (const { type, key } of [...own].reverse()) await kube.delete(type, key, options)
  return own.map(
    ({ type, key }) => `${type.kind} ${[key.namespace, key.name].filter(Boolean).join('/')}`,
  )
}

async function isLeft(
  object: KubeObject,
  { isDead, stays = [] }: LeftObjectsInit,
): Promise<boolean> {
  const { labels, ownerReferences = [], deletionTimestamp } = object.metadata
  // why: controllers copy labels to what they make; that goes with its owner
  if (ownerReferences.length > 0 || deletionTimestamp !== undefined) return false
  const maker = makerOf(object)
  if (maker === undefined || stays.includes(labels?.[runLabel] ?? '')) return false
  return isDead(maker)
}

async function markedObjects(
  kube: KubeClient,
  type: ResourceType,
  { signal }: AbortOptions,
): Promise<readonly { readonly type: ResourceType; readonly object: KubeObject }[]> {
  try {
    const each = AbortSignal.any([signal])
    const { items } = await kube.list(type, { labelSelector: runLabel, signal: each })
    return items.map((object) => ({ type, object }))
  } catch (error) {
    // why: where we may not look we could not make anything either
    if (error instanceof KubeError) return []
    throw error
  }
}
