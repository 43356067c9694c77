import type { KubeObject } from '../../../../model/kubernetes.ts'
import { badRequest, conflict, invalid, notFound } from '../api-errors.ts'
import { decodeObject } from '../decode-object.ts'
import type { ApiEnvironment } from '../environment.ts'
import { applyConfig } from '../fields/apply.ts'
import { decodeYaml } from '../http/request-body.ts'
import type { DecodedBody } from '../http/request-body.ts'
import { decodeJson } from '../http/request-body.ts'
import { asText, setAt } from '../json.ts'
import type { JsonObject } from '../json.ts'
import type { ServedResource } from '../registry.ts'
import type { FieldError, MutableObject } from '../resource-definition.ts'
import { storageKey } from '../storage/store.ts'
import { createObject } from '../verbs/create.ts'
import { updateObject } from '../verbs/update.ts'
import type { Patched, PatchInit } from './patch-object.ts'

/**
 * Server-side apply: creates the object when it does not exist.
 * @throws ApiError 400, 404, 409 or 422
 */
export async function applyPatch(
  environment: ApiEnvironment,
  resource: ServedResource,
  init: PatchInit,
): Promise<Patched> {
  checkOptions(init)
  const body = await decodeConfig(init.body.toString('utf8'))
  const { object: config, warnings } = decodeObject(resource, body, init.options)
  checkConfig(config, init)
  config.metadata['name'] = init.name
  if (init.namespace !== undefined) config.metadata['namespace'] = init.namespace

  const live = resource.storage.get(storageKey(init.namespace, init.name))
  if (live === undefined && init.subresource !== undefined) {
    throw notFound(resource.definition, init.name)
  }
  if (live === undefined && config.metadata['uid'] !== undefined) {
    throw conflict(
      resource.definition,
      init.name,
      `uid mismatch: the provided object specified uid ${String(config.metadata['uid'])}, and no existing object was found`,
    )
  }
  const merge = (existing: KubeObject | undefined) =>
    applyConfig(resource, {
      live: existing,
      config,
      manager: init.options.fieldManager,
      subresource: init.subresource ?? '',
      force: init.force ?? false,
      now: environment.strategy.now(),
    })
  if (live === undefined) {
    const { object, managedFields } = merge(undefined)
    const { namespace, options } = init
    const created = createObject(environment, resource, {
      namespace,
      options,
      object: object as MutableObject,
      manage: () => managedFields,
    })
    return { object: created, isCreated: true, warnings }
  }
  const { object, managedFields } = merge(live)
  const next = object as MutableObject
  const { uid, resourceVersion }: JsonObject = config.metadata
  setAt(next, ['metadata', 'uid'], uid ?? live.metadata.uid)
  setAt(next, ['metadata', 'resourceVersion'], resourceVersion)
  const updated = updateObject(environment, resource, {
    namespace: init.namespace,
    name: init.name,
    options: init.options,
    ...(init.subresource !== undefined && { subresource: init.subresource }),
    change: () => next,
    manage: () => managedFields,
  })
  return { object: updated, isCreated: false, warnings }
}

/** A configuration may be JSON, which is YAML that parses much faster. */
async function decodeConfig(text: string): Promise<DecodedBody> {
  return text.trimStart().startsWith('{') ? decodeJson(text) : await decodeYaml(text)
}

function checkOptions(init: PatchInit): void {
  if (init.namedManager !== '') return
  const error: FieldError = {
    type: 'FieldValueRequired',
    field: 'fieldManager',
    detail: 'is required for apply patch',
  }
  throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [error])
}

function checkConfig(config: MutableObject, init: PatchInit): void {
  const { metadata }: { readonly metadata: JsonObject } = config
  if (metadata['managedFields'] !== undefined) {
    throw badRequest('metadata.managedFields must be nil')
  }
  const { name, namespace } = metadata
  if (name !== undefined && name !== '' && name !== init.name) {
    throw badRequest(
      `the name of the object (${asText(name)}) does not match the name on the URL (${init.name})`,
    )
  }
  if (namespace !== undefined && namespace !== '' && namespace !== init.namespace) {
    throw badRequest(
      `the namespace of the object (${asText(namespace)}) does not match the namespace on the URL (${String(init.namespace)})`,
    )
  }
}
