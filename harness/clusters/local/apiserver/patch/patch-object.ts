import type { KubeObject } from '../../../../model/kubernetes.ts'
import { badRequest, unsupportedMediaType } from '../api-errors.ts'
import { pruneObject } from '../decode-object.ts'
import type { ApiEnvironment, WriteOptions } from '../environment.ts'
import { parseMediaType } from '../http/media-type.ts'
import { decodeJson, parseJson } from '../http/request-body.ts'
import type { JsonObject } from '../json.ts'
import { apiVersionOf } from '../registry.ts'
import type { ServedResource } from '../registry.ts'
import type { MutableObject } from '../resource-definition.ts'
import { updateObject } from '../verbs/update.ts'
import { applyPatch } from './apply-patch.ts'
import { applyJsonPatch } from './json-patch.ts'
import { applyMergePatch } from './merge-patch.ts'
import { applyStrategicMergePatch } from './strategic-merge-patch.ts'

export interface PatchInit {
  readonly namespace: string | undefined
  readonly name: string
  readonly options: WriteOptions
  readonly subresource?: string
  readonly contentType: string | undefined
  readonly force: boolean | undefined
  /** The fieldManager parameter as given: an apply must have one. */
  readonly namedManager: string
  readonly body: Buffer
}

export interface Patched {
  readonly object: KubeObject
  readonly isCreated: boolean
  readonly warnings: readonly string[]
}

/** Makes the next object from a private copy of the current one. */
export type Patcher = (current: JsonObject) => JsonObject

/** Custom resources have no strategic merge: nothing says how their lists merge. */
const strategicType = 'application/strategic-merge-patch+json'
const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/apply-patch+yaml',
]

/** @throws ApiError 400, 404, 409, 415 or 422 */
export async function patchObject(
  environment: ApiEnvironment,
  resource: ServedResource,
  init: PatchInit,
): Promise<Patched> {
  const { type } = parseMediaType(init.contentType ?? '')
  if (type === 'application/apply-patch+yaml') {
    return await applyPatch(environment, resource, init)
  }
  if (init.force !== undefined) {
    throw badRequest('force: Forbidden: may not be specified for non-apply patch')
  }
  const patch = patcherOf(type, init.body.toString('utf8'), resource)
  const warnings: string[] = []
  const object = updateObject(environment, resource, {
    namespace: init.namespace,
    name: init.name,
    options: init.options,
    ...(init.subresource !== undefined && { subresource: init.subresource }),
    change(current) {
      current['apiVersion'] = apiVersionOf(resource.definition)
      const next = patch(current)
      warnings.push(...checkFields(resource, next, init.options))
      return next as MutableObject
    },
  })
  return { object, isCreated: false, warnings }
}

/**
 * Reads a patch that is no apply.
 * @throws ApiError 400 when it does not parse, 415 when its type is unknown here
 */
export function patcherOf(type: string, text: string, resource: ServedResource): Patcher {
  switch (type) {
    case 'application/json-patch+json': {
      const patch = parseJson(text)
      return (current) => applyJsonPatch(current, patch)
    }
    case 'application/merge-patch+json': {
      const patch = decodeJson(text).value
      return (current) => applyMergePatch(current, patch)
    }
    case strategicType: {
      if (resource.isCustom) throw unsupportedMediaType(patchTypes)
      const patch = decodeJson(text).value
      return (current) => applyStrategicMergePatch(current, patch, resource.type)
    }
    default:
      throw unsupportedMediaType(resource.isCustom ? patchTypes : [...patchTypes, strategicType])
  }
}

function checkFields(
  resource: ServedResource,
  object: JsonObject,
  options: WriteOptions,
): readonly string[] {
  const problems = pruneObject(resource, object)
  if (problems.length > 0 && options.fieldValidation === 'Strict') {
    throw badRequest(`strict decoding error: ${problems.join(', ')}`)
  }
  return options.fieldValidation === 'Warn' ? problems : []
}
