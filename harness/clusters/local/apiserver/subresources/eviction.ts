import { isObject } from '../json.ts'
import { sendObject } from '../http/answer.ts'
import type { ResourceRequest } from '../http/request-context.ts'
import { bodyOf, formatOf, unsupportedMethod } from '../http/resource-handler.ts'
import { deleteObject, parseDeleteOptions } from '../verbs/delete.ts'

/** Deletes a pod as `kubectl drain` asks for it. Disruption budgets are stored here, not enforced. */
export async function handleEviction(request: ResourceRequest): Promise<void> {
  if (request.request.method !== 'POST') throw unsupportedMethod()
  const { parts, resource, path, query, response } = request
  const { value } = await bodyOf(request)
  const wanted = value['deleteOptions']
  const options = parseDeleteOptions(isObject(wanted) ? wanted : {}, query)
  const at = { namespace: path.namespace, name: path.name ?? '' }
  deleteObject(parts.environment, resource, at, options)
  await sendObject(
    response,
    201,
    { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 },
    formatOf(request),
  )
}
