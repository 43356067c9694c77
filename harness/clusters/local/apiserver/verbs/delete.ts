import type { KubeObject } from '../../../../model/kubernetes.ts'
import { badRequest, conflict, invalid, notFound } from '../api-errors.ts'
import type { ApiEnvironment } from '../environment.ts'
import { clone, isObject } from '../json.ts'
import type { JsonObject } from '../json.ts'
import { timestamp } from '../meta/object-meta.ts'
import type { ServedResource } from '../registry.ts'
import type { MutableObject } from '../resource-definition.ts'
import { storageKey } from '../storage/store.ts'

/** metav1.DeleteOptions as far as it is honoured. */
export interface DeleteOptions {
  readonly gracePeriodSeconds?: number
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
  readonly isDryRun: boolean
}

/** What a delete did: the object still there with a deletionTimestamp, or gone as it last was. */
export interface Deleted {
  readonly object: KubeObject
  readonly isGone: boolean
}

/** @throws ApiError 400 or 422 when an option is wrong */
export function parseDeleteOptions(body: JsonObject, query: URLSearchParams): DeleteOptions {
  const grace = body['gracePeriodSeconds'] ?? numberOf(query.get('gracePeriodSeconds'))
  if (grace !== undefined && (!Number.isInteger(grace) || Number(grace) < 0)) {
    throw badRequest(
      `gracePeriodSeconds: Invalid value: ${JSON.stringify(grace)}: must be 0 or more`,
    )
  }
  const orphans = body['orphanDependents'] ?? booleanOf(query.get('orphanDependents'))
  const policy =
    body['propagationPolicy'] ??
    query.get('propagationPolicy') ??
    (orphans === undefined ? undefined : orphans === true ? 'Orphan' : 'Background')
  if (
    policy !== undefined &&
    policy !== 'Background' &&
    policy !== 'Foreground' &&
    policy !== 'Orphan'
  ) {
    throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', [
      {
        type: 'FieldValueNotSupported',
        field: 'propagationPolicy',
        value: policy,
        detail: 'supported values: "Background", "Foreground", "Orphan"',
      },
    ])
  }
  const preconditions = body['preconditions']
  const dryRun = body['dryRun'] ?? query.getAll('dryRun')
  return {
    isDryRun: Array.isArray(dryRun) && dryRun.length > 0,
    ...(typeof grace === 'number' && { gracePeriodSeconds: grace }),
    ...(policy !== undefined && { propagationPolicy: policy }),
    ...(isObject(preconditions) && { preconditions }),
  }
}

/**
 * Deletes, or begins to: an object with finalizers or with a grace period gets a deletionTimestamp and stays.
 * @throws ApiError 404, or 409 when a precondition does not hold
 */
export function deleteObject(
  environment: ApiEnvironment,
  resource: ServedResource,
  at: { readonly namespace: string | undefined; readonly name: string },
  options: DeleteOptions,
): Deleted {
  const { definition, storage } = resource
  const key = storageKey(at.namespace, at.name)
  const current = storage.get(key)
  if (current === undefined) throw notFound(definition, at.name)
  checkPreconditions(resource, current, options)

  const next = clone(current) as KubeObject & MutableObject
  const graceSeconds = graceOf(resource, next, options)
  addPropagationFinalizer(next, options)
  const isHeld =
    (next.metadata.finalizers ?? []).length > 0 || definition.isHeldBack?.(next) === true
  if (!isHeld && graceSeconds === 0) {
    if (options.isDryRun) return { object: current, isGone: true }
    return { object: removeObject(environment, resource, key, next) ?? current, isGone: true }
  }
  const wasDeleting = current.metadata.deletionTimestamp !== undefined
  markDeleted(next, graceSeconds, environment.strategy.now(), definition.countsGeneration)
  if (!wasDeleting) definition.beginDeletion?.(next)
  if (options.isDryRun) return { object: next, isGone: false }
  const hasChanged = JSON.stringify(next) !== JSON.stringify(current)
  return { object: hasChanged ? storage.put(key, next) : current, isGone: false }
}

/**
 * Removes an object whose deletion waited only for what this write took away.
 * @returns the object as it last was, or undefined when it stays
 */
export function finishDeletionIfDue(
  environment: ApiEnvironment,
  resource: ServedResource,
  key: string,
  object: KubeObject,
): KubeObject | undefined {
  const { metadata } = object
  if (metadata.deletionTimestamp === undefined) return undefined
  if ((metadata.finalizers ?? []).length > 0) return undefined
  if ((metadata.deletionGracePeriodSeconds ?? 0) > 0) return undefined
  if (resource.definition.isHeldBack?.(object) === true) return undefined
  return removeObject(environment, resource, key, object)
}

function removeObject(
  environment: ApiEnvironment,
  resource: ServedResource,
  key: string,
  last: KubeObject,
): KubeObject | undefined {
  const removed = resource.storage.remove(key, last)
  if (removed !== undefined) resource.definition.afterDelete?.(removed, environment.strategy)
  return removed
}

function checkPreconditions(
  { definition }: ServedResource,
  current: KubeObject,
  { preconditions = {} }: DeleteOptions,
): void {
  const { uid = '', resourceVersion = '' } = preconditions
  const { name } = current.metadata
  if (uid !== '' && uid !== current.metadata.uid) {
    throw conflict(
      definition,
      name,
      `the UID in the precondition (${uid}) does not match the UID in record (${String(current.metadata.uid)}). The object might have been deleted and then recreated`,
    )
  }
  if (resourceVersion !== '' && resourceVersion !== current.metadata.resourceVersion) {
    throw conflict(
      definition,
      name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${String(current.metadata.resourceVersion)}). The object might have been modified`,
    )
  }
}

/** A second delete can only shorten the grace period. */
function graceOf(resource: ServedResource, object: MutableObject, options: DeleteOptions): number {
  const usual = resource.definition.gracefulDeletionSeconds?.(object)
  if (usual === undefined || usual === 0) return 0
  const wanted = options.gracePeriodSeconds ?? usual
  const granted: unknown = object.metadata['deletionGracePeriodSeconds']
  return typeof granted === 'number' ? Math.min(granted, wanted) : wanted
}

function addPropagationFinalizer(object: MutableObject, options: DeleteOptions): void {
  const finalizers = new Set<unknown>(
    object.metadata['finalizers'] as readonly unknown[] | undefined,
  )
  if (options.propagationPolicy !== undefined) {
    finalizers.delete('foregroundDeletion')
    finalizers.delete('orphan')
  }
  if (options.propagationPolicy === 'Foreground') finalizers.add('foregroundDeletion')
  if (options.propagationPolicy === 'Orphan') finalizers.add('orphan')
  if (finalizers.size > 0) object.metadata['finalizers'] = [...finalizers]
  else delete object.metadata['finalizers']
}

function markDeleted(
  object: KubeObject & MutableObject,
  graceSeconds: number,
  now: Date,
  countsGeneration: boolean,
): void {
  const metadata: Record<string, unknown> = object.metadata
  const isFirst = metadata['deletionTimestamp'] === undefined
  if (isFirst || metadata['deletionGracePeriodSeconds'] !== graceSeconds) {
    metadata['deletionTimestamp'] = timestamp(new Date(now.getTime() + graceSeconds * 1_000))
    metadata['deletionGracePeriodSeconds'] = graceSeconds
  }
  if (isFirst && countsGeneration) metadata['generation'] = (object.metadata.generation ?? 0) + 1
}

function numberOf(text: string | null): number | undefined {
  return text === null || text === '' ? undefined : Number(text)
}

function booleanOf(text: string | null): boolean | undefined {
  return text === null || text === '' ? undefined : text === 'true' || text === '1'
}
