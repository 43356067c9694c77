import { notFound } from '../api-errors.ts'
import { present } from '../environment.ts'
import { readBody } from '../http/request-body.ts'
import type { ResourceRequest } from '../http/request-context.ts'
import {
  answer,
  objectOf,
  requireSamePlace,
  unsupportedMethod,
  writeOptionsOf,
} from '../http/resource-handler.ts'
import { patchObject } from '../patch/patch-object.ts'
import { storageKey } from '../storage/store.ts'
import { updateObject } from '../verbs/update.ts'
import { parseBoolean } from '../verbs/write-options.ts'

/** get, update and patch of `status`. */
export async function handleStatus(request: ResourceRequest): Promise<void> {
  const { parts, resource, path, query } = request
  const name = path.name ?? ''
  const at = { namespace: path.namespace, name, subresource: 'status' }
  switch (request.request.method) {
    case 'GET': {
      const object = resource.storage.get(storageKey(path.namespace, name))
      if (object === undefined) throw notFound(resource.definition, name)
      await answer(request, 200, present(resource, object))
      return
    }
    case 'PUT': {
      const options = writeOptionsOf(request, 'UpdateOptions')
      const { object, warnings } = await objectOf(request, options)
      requireSamePlace(object, path)
      const updated = updateObject(parts.environment, resource, {
        ...at,
        options,
        change: () => object,
      })
      await answer(request, 200, present(resource, updated), warnings)
      return
    }
    case 'PATCH': {
      const patched = await patchObject(parts.environment, resource, {
        ...at,
        options: writeOptionsOf(request, 'PatchOptions'),
        contentType: request.request.headers['content-type'],
        force: parseBoolean(query, 'force'),
        namedManager: query.get('fieldManager') ?? '',
        body: await readBody(request.request),
      })
      await answer(request, 200, present(resource, patched.object), patched.warnings)
      return
    }
    default:
      throw unsupportedMethod()
  }
}
