import type { KubeObject } from '../../../../model/kubernetes.ts'
import { alreadyExists, badRequest, internalError, invalid } from '../api-errors.ts'
import { nameOf } from '../environment.ts'
import type { ApiEnvironment, WriteOptions } from '../environment.ts'
import { trackUpdate } from '../fields/track-update.ts'
import { fillSystemFields, generateName, validateMeta } from '../meta/object-meta.ts'
import { requireNamespace } from '../meta/namespace-lifecycle.ts'
import type { ServedResource } from '../registry.ts'
import type { FieldError, MutableObject } from '../resource-definition.ts'
import { storageKey } from '../storage/store.ts'

/** How often a generated name is tried before giving up. */
const generateAttempts = 8

export interface CreateInit {
  readonly namespace: string | undefined
  readonly object: MutableObject
  readonly options: WriteOptions
  /** Replaces the tracking of field owners, for a server-side apply that creates. */
  readonly manage?: (object: KubeObject) => unknown
}

/**
 * Stores a new object.
 * @throws ApiError 400, 403, 404, 409 or 422, as the real server
 */
export function createObject(
  environment: ApiEnvironment,
  resource: ServedResource,
  init: CreateInit,
): KubeObject {
  const { definition, storage } = resource
  const { object, options, namespace } = init
  const { metadata } = object
  placeInNamespace(object, namespace, definition.namespaced)
  nameObject(resource, object)
  requireNamespace(environment, resource, namespace, nameOf(object))
  if ((metadata['resourceVersion'] ?? '') !== '') {
    throw internalError('resourceVersion should not be set on objects to be created')
  }
  delete metadata['resourceVersion']
  fillSystemFields(object, definition, environment.strategy.now())
  object['apiVersion'] = resource.storageVersion

  const key = storageKey(namespace, nameOf(object))
  definition.applyDefaults?.(object)
  let isPrepared = false
  try {
    definition.prepareForCreate?.(object, environment.strategy)
    isPrepared = true
    const made = object as KubeObject & MutableObject
    const errors = [
      ...validateMeta(made, definition),
      ...(definition.validate?.(made, undefined) ?? []),
    ]
    if (errors.length > 0) throw invalid(definition, nameOf(object), errors)
    if (storage.get(key) !== undefined) throw alreadyExists(definition, nameOf(object))
    metadata['managedFields'] =
      init.manage?.(made) ?? trackUpdate(undefined, made, resource, options, environment)
    if (options.isDryRun) {
      definition.rollback?.(made, undefined, environment.strategy)
      return made
    }
    return storage.put(key, made)
  } catch (error) {
    if (isPrepared) {
      definition.rollback?.(object as unknown as KubeObject, undefined, environment.strategy)
    }
    throw error
  }
}

function placeInNamespace(
  object: MutableObject,
  namespace: string | undefined,
  isNamespaced: boolean,
): void {
  const own: unknown = object.metadata['namespace'] ?? ''
  if (!isNamespaced) {
    if (own !== '') {
      throw badRequest('namespace is not allowed on this type')
    }
    delete object.metadata['namespace']
    return
  }
  if (namespace === undefined) throw badRequest('an empty namespace may not be set during creation')
  if (own !== '' && own !== namespace) {
    throw badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    )
  }
  object.metadata['namespace'] = namespace
}

function nameObject(resource: ServedResource, object: MutableObject): void {
  const { metadata } = object
  const prefix: unknown = metadata['generateName']
  if (nameOf(object) !== '') return
  if (typeof prefix !== 'string' || prefix === '') {
    const error: FieldError = {
      type: 'FieldValueRequired',
      field: 'metadata.name',
      detail: 'name or generateName is required',
    }
    throw invalid(resource.definition, '', [error])
  }
  const namespace: unknown = metadata['namespace']
  for (let attempt = 0; attempt < generateAttempts; attempt += 1) {
    metadata['name'] = generateName(prefix)
    const key = storageKey(typeof namespace === 'string' ? namespace : undefined, nameOf(object))
    if (resource.storage.get(key) === undefined) return
  }
}
