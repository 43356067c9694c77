import type { KubeObject } from '../../../../model/kubernetes.ts'
import { conflict, invalid, notFound } from '../api-errors.ts'
import { nameOf } from '../environment.ts'
import type { ApiEnvironment, WriteOptions } from '../environment.ts'
import { trackUpdate } from '../fields/track-update.ts'
import { clone, equal } from '../json.ts'
import { carrySystemFields, validateMeta, validateMetaUpdate } from '../meta/object-meta.ts'
import type { ServedResource } from '../registry.ts'
import type { MutableObject } from '../resource-definition.ts'
import { storageKey } from '../storage/store.ts'
import { finishDeletionIfDue } from './delete.ts'

export interface UpdateInit {
  readonly namespace: string | undefined
  readonly name: string
  readonly options: WriteOptions
  /** `status` changes only the status; anything else is said to be the owner of what it changes. */
  readonly subresource?: string
  /** Makes the next object from a private copy of the current one. */
  readonly change: (current: MutableObject) => MutableObject
  /** Replaces the tracking of field owners, for a server-side apply. */
  readonly manage?: (object: KubeObject, live: KubeObject) => unknown
  /** The server's own change of spec and status at once, as of a binding. */
  readonly changesStatus?: boolean
  /** Skips prepareForUpdate, which keeps clients from what only the server may change, as a namespace's finalizers. */
  readonly isPrivileged?: boolean
}

/**
 * Changes a stored object. Every write of an existing object comes through here.
 * @throws ApiError 404, 409 or 422, as the real server
 */
export function updateObject(
  environment: ApiEnvironment,
  resource: ServedResource,
  init: UpdateInit,
): KubeObject {
  const { definition, storage } = resource
  const key = storageKey(init.namespace, init.name)
  const current = storage.get(key)
  if (current === undefined) throw notFound(definition, init.name)
  const wanted = init.change(clone(current))
  if ((wanted.metadata['namespace'] ?? '') === '' && init.namespace !== undefined) {
    wanted.metadata['namespace'] = init.namespace
  }
  checkPreconditions(resource, current, wanted)

  const next =
    init.changesStatus === true ? wanted : confine(resource, current, wanted, init.subresource)
  next['apiVersion'] = resource.storageVersion
  carrySystemFields(next, current)
  definition.applyDefaults?.(next)
  const made = next as KubeObject & MutableObject
  let isPrepared = false
  try {
    if (init.isPrivileged !== true) {
      definition.prepareForUpdate?.(next, current, environment.strategy)
    }
    isPrepared = true
    const errors = [
      ...validateMeta(made, definition),
      ...validateMetaUpdate(made, current),
      ...(definition.validate?.(made, current) ?? []),
    ]
    if (errors.length > 0) throw invalid(definition, nameOf(made), errors)
    next.metadata['managedFields'] =
      init.manage?.(made, current) ??
      trackUpdate(current, made, resource, init.options, environment, init.subresource)
    if (next.metadata['managedFields'] === undefined) delete next.metadata['managedFields']
    if (equal(current, made)) return current
    if (definition.countsGeneration && hasNewSpec(resource, current, made)) {
      next.metadata['generation'] = (current.metadata.generation ?? 0) + 1
    }
    if (init.options.isDryRun) {
      definition.rollback?.(made, current, environment.strategy)
      return made
    }
    return finishDeletionIfDue(environment, resource, key, made) ?? storage.put(key, made)
  } catch (error) {
    if (isPrepared) definition.rollback?.(made, current, environment.strategy)
    throw error
  }
}

function checkPreconditions(
  { definition }: ServedResource,
  current: KubeObject,
  wanted: MutableObject,
): void {
  const version: unknown = wanted.metadata['resourceVersion'] ?? ''
  const uid: unknown = wanted.metadata['uid'] ?? ''
  const { name } = current.metadata
  if (uid !== '' && uid !== current.metadata.uid) {
    throw conflict(
      definition,
      name,
      `StorageError: invalid object, Code: 4, Key: /registry/${definition.plural}/${name}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${String(uid)}, UID in object meta: ${String(current.metadata.uid)}`,
    )
  }
  if (version !== '' && version !== '0' && version !== current.metadata.resourceVersion) {
    throw conflict(
      definition,
      name,
      'the object has been modified; please apply your changes to the latest version and try again',
    )
  }
}

/** With a status subresource, each of the two doors changes only its own part. */
function confine(
  resource: ServedResource,
  current: KubeObject,
  wanted: MutableObject,
  subresource: string | undefined,
): MutableObject {
  const { hasStatus } = resource.definition
  if (!hasStatus) return wanted
  if (subresource !== 'status') return withField(wanted, 'status', current['status'])
  const kept = clone(current) as unknown as MutableObject
  const next = withField(kept, 'status', wanted['status'])
  const fromRequest = resource.isCustom ? ['managedFields'] : statusMetadata
  for (const field of fromRequest) {
    const value: unknown = wanted.metadata[field]
    if (value === undefined) Reflect.deleteProperty(next.metadata, field)
    else next.metadata[field] = value
  }
  return next
}

/** What of the metadata a status write of a built-in kind may change. */
const statusMetadata = ['labels', 'annotations', 'finalizers', 'managedFields']

function withField(object: MutableObject, field: string, value: unknown): MutableObject {
  if (value === undefined) Reflect.deleteProperty(object, field)
  else object[field] = value
  return object
}

/** Kinds without a status subresource count every change outside metadata. */
function hasNewSpec(resource: ServedResource, current: KubeObject, next: KubeObject): boolean {
  if (!resource.isCustom) return !equal(current['spec'], next['spec'])
  const ignored = resource.definition.hasStatus ? ['metadata', 'status'] : ['metadata']
  const counted = (object: KubeObject) =>
    Object.fromEntries(Object.entries(object).filter(([field]) => !ignored.includes(field)))
  return !equal(counted(current), counted(next))
}
