import { KubeError } from '../../../model/errors.ts'
import type { KubeObject, OwnerReference, ResourceType } from '../../../model/kubernetes.ts'
import { builtInTypes, events, leases } from '../../kube/types.ts'
import type { ControllerContext } from './context.ts'

const foreground = 'foregroundDeletion'
const orphan = 'orphan'

/** Types that own or are owned; events and leases are neither. */
const tended = builtInTypes.filter((type) => type !== events && type !== leases)

/**
 * Deletes what belongs to nobody any more (ownerReferences), for the built-in kinds. An owner that is deleted in the
 * foreground goes when its blocking dependents are gone; one that orphans its dependents is taken off them first.
 */
export function garbageCollector(context: ControllerContext): void {
  const { client, signal } = context
  const informers = tended.map((type) => ({ type, informer: context.watch(type) }))
  const byUid = new Map<string, { readonly type: ResourceType; readonly object: KubeObject }>()
  const dependents = new Map<string, Set<string>>()
  const queue = context.queue('garbage', reconcile)
  for (const { type, informer } of informers)
    informer.onChange((change) => {
      const { object, kind } = change
      const uid = object.metadata.uid ?? ''
      for (const owner of object.metadata.ownerReferences ?? []) {
        const own = dependents.get(owner.uid) ?? new Set()
        dependents.set(owner.uid, own)
        if (kind === 'deleted') own.delete(uid)
        else own.add(uid)
        if (kind === 'deleted') queue.add(owner.uid)
      }
      if (kind === 'deleted') {
        byUid.delete(uid)
        for (const dependent of dependents.get(uid) ?? []) queue.add(dependent)
        dependents.delete(uid)
        return
      }
      byUid.set(uid, { type, object })
      if (
        object.metadata.ownerReferences !== undefined ||
        object.metadata.deletionTimestamp !== undefined
      )
        queue.add(uid)
    })

  async function reconcile(uid: string): Promise<void> {
    const entry = byUid.get(uid)
    if (entry === undefined) return
    const { metadata } = entry.object
    if (metadata.deletionTimestamp !== undefined) {
      if (metadata.finalizers?.includes(orphan) === true)
        await releaseDependents(entry.type, entry.object)
      else if (metadata.finalizers?.includes(foreground) === true)
        await finishForeground(entry.type, entry.object)
      return
    }
    const owners = metadata.ownerReferences ?? []
    if (owners.length === 0) return
    const states = await Promise.all(owners.map((owner) => stateOf(owner, metadata.namespace)))
    const isWanted = states.some((state) => state === 'there')
    if (isWanted) return
    const waits = owners.some((_, index) => states[index] === 'waiting')
    await remove(entry.type, entry.object, waits ? 'Foreground' : 'Background')
  }

  /** Is an owner still there, going and waiting for its dependents, or gone? Asked of the API before we call it gone. */
  async function stateOf(
    owner: OwnerReference,
    namespace: string | undefined,
  ): Promise<'there' | 'waiting' | 'gone'> {
    const known = byUid.get(owner.uid)
    const object = known?.object ?? (await find(owner, namespace))
    if (object?.metadata.uid !== owner.uid) return 'gone'
    const isGoing =
      object.metadata.deletionTimestamp !== undefined &&
      object.metadata.finalizers?.includes(foreground) === true
    return isGoing ? 'waiting' : 'there'
  }

  async function find(
    owner: OwnerReference,
    namespace: string | undefined,
  ): Promise<KubeObject | undefined> {
    try {
      const type = await client.typeOf(owner, { signal })
      return await client.get(
        type,
        { name: owner.name, ...(type.namespaced && namespace !== undefined && { namespace }) },
        { signal },
      )
    } catch (error) {
      if (error instanceof KubeError && error.status === 404) return undefined
      throw error
    }
  }

  async function remove(
    type: ResourceType,
    object: KubeObject,
    propagationPolicy: 'Foreground' | 'Background',
  ): Promise<void> {
    const { uid = '' } = object.metadata
    await client.delete(type, keyFor(type, object), {
      signal,
      propagationPolicy,
      preconditions: { uid },
    })
  }

  async function finishForeground(type: ResourceType, object: KubeObject): Promise<void> {
    const uid = object.metadata.uid ?? ''
    const blocking = [...(dependents.get(uid) ?? [])]
      .map((one) => byUid.get(one))
      .filter((one) => one !== undefined)
      .filter(
        ({ object: dependent }) =>
          dependent.metadata.ownerReferences?.some(
            (owner) => owner.uid === uid && owner.blockOwnerDeletion === true,
          ) === true,
      )
    if (blocking.length === 0) await dropFinalizer(type, object, foreground)
    else for (const one of dependents.get(uid) ?? []) queue.add(one)
  }

  async function releaseDependents(type: ResourceType, object: KubeObject): Promise<void> {
    const uid = object.metadata.uid ?? ''
    for (const one of dependents.get(uid) ?? []) {
      const dependent = byUid.get(one)
      if (dependent === undefined) continue
      const ownerReferences = (dependent.object.metadata.ownerReferences ?? []).filter(
        (owner) => owner.uid !== uid,
      )
      await client.patch(
        dependent.type,
        keyFor(dependent.type, dependent.object),
        { metadata: { ownerReferences } },
        { signal, type: 'merge' },
      )
    }
    await dropFinalizer(type, object, orphan)
  }

  async function dropFinalizer(
    type: ResourceType,
    object: KubeObject,
    name: string,
  ): Promise<void> {
    const finalizers = (object.metadata.finalizers ?? []).filter((one) => one !== name)
    const { resourceVersion } = object.metadata
    try {
      await client.patch(
        type,
        keyFor(type, object),
        { metadata: { finalizers, resourceVersion } },
        { signal, type: 'merge' },
      )
    } catch (error) {
      if (!(error instanceof KubeError) || error.status !== 404) throw error
    }
  }
}

function keyFor(
  type: ResourceType,
  { metadata }: KubeObject,
): { name: string; namespace?: string } {
  const { name, namespace } = metadata
  return type.namespaced && namespace !== undefined ? { name, namespace } : { name }
}
