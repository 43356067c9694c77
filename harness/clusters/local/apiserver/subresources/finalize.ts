import { valueAt } from '../json.ts'
import { present } from '../environment.ts'
import type { ResourceRequest } from '../http/request-context.ts'
import {
  answer,
  objectOf,
  requireSameName,
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
  requireSameName(object.metadata['name'], name)
  const finalizers = valueAt(object, ['spec', 'finalizers'])
  const updated = updateObject(parts.environment, resource, {
    namespace: undefined,
    name,
    options,
    subresource: 'finalize',
    isPrivileged: true,
    change: (current) => ({
      ...current,
      metadata: { ...current.metadata, resourceVersion: object.metadata['resourceVersion'] },
      spec: finalizers === undefined ? {} : { finalizers },
    }),
  })
  await answer(request, 200, present(resource, updated))
}
