import type { KubeObject } from '../../../../model/kubernetes.ts'
import { unsupportedMediaType } from '../api-errors.ts'
import { pruneObject } from '../decode-object.ts'
import type { ApiEnvironment, WriteOptions } from '../environment.ts'
import { decodeJson, parseJson } from '../http/request-body.ts'
import { parseMediaType } from '../http/media-type.ts'
import { badRequest } from '../api-errors.ts'
import type { JsonObject } from '../json.ts'
import { apiVersionOf } from '../registry.ts'
import type { ServedResource } from '../registry.ts'
import type { MutableObject } from '../resource-definition.ts'
import { updateObject } from '../verbs/update.ts'
import { applyJsonPatch } from './json-patch.ts'
import { applyMergePatch } from './merge-patch.ts'

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

export const patchTypes: readonly string[] = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
]

/** @throws ApiError 400, 404, 409, 415 or 422 */
export async function patchObject(
  environment: ApiEnvironment,
  resource: ServedResource,
  init: PatchInit,
): Promise<Patched> {
  await Promise.resolve()
  const { type } = parseMediaType(init.contentType ?? '')
  if (!patchTypes.includes(type)) throw unsupportedMediaType(patchTypes)
  const text = init.body.toString('utf8')
  const warnings: string[] = []
  const apply = patcher(type, text)
  const object = updateObject(environment, resource, {
    namespace: init.namespace,
    name: init.name,
    options: init.options,
    ...(init.subresource !== undefined && { subresource: init.subresource }),
    change: (current) => {
      current['apiVersion'] = apiVersionOf(resource.definition)
      const next = apply(current)
      warnings.push(...checkFields(resource, next, init.options))
      return next as MutableObject
    },
  })
  return { object, isCreated: false, warnings }
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

function patcher(type: string, text: string): (current: JsonObject) => JsonObject {
  if (type === 'application/json-patch+json') {
    const patch = parseJson(text)
    return (current) => applyJsonPatch(current, patch)
  }
  const patch = decodeJson(text).value
  return (current) => applyMergePatch(current, patch)
}
