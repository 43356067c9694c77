import { valueAt } from '../json.ts'
import { present } from '../environment.ts'
import type { ResourceRequest } from '../http/request-context.ts'
import {
  answer,
  objectOf,
  requireSamePlace,
  unsupportedMethod,
  writeOptionsOf,
} from '../http/resource-handler.ts'
import { updateObject } from '../verbs/update.ts'

/** Changes `spec.finalizers` of a namespace, which nothing else may. */
export async function handleFinalize(request: ResourceRequest): Promise<void> {
  if (request.request.method !== 'PUT') throw unsupportedMethod()
  const { parts, resource, path } = request
  const options = writeOptionsOf(request, 'UpdateOptions')
  const { object } = await objectOf(request, options)
  const name = path.name ?? ''
  requireSamePlace(object, path)
  const finalizers = valueAt(object, ['spec', 'finalizers'])
  const version = valueAt(object, ['metadata', 'resourceVersion'])
  const updated = updateObject(parts.environment, resource, {
    namespace: undefined,
    name,
    options,
    subresource: 'finalize',
    isPrivileged: true,
    change: (current) => ({
      ...current,
      metadata: { ...current.metadata, resourceVersion: version },
      spec: finalizers === undefined ? {} : { finalizers },
    }),
  })
  await answer(request, 200, present(resource, updated))
}
