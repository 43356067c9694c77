import { badRequest, conflict } from '../api-errors.ts'
import { asText, clone, isArray, isObject, valueAt } from '../json.ts'
import type { JsonObject } from '../json.ts'
import { timestamp } from '../meta/object-meta.ts'
import { sendObject } from '../http/answer.ts'
import type { ResourceRequest } from '../http/request-context.ts'
import { bodyOf, formatOf, unsupportedMethod, writeOptionsOf } from '../http/resource-handler.ts'
import { updateObject } from '../verbs/update.ts'

/** How a scheduler gives a pod to a node. */
export async function handleBinding(request: ResourceRequest): Promise<void> {
  if (request.request.method !== 'POST') throw unsupportedMethod()
  const { parts, resource, path, response } = request
  const { value: binding } = await bodyOf(request)
  const node = valueAt(binding, ['target', 'name'])
  if (typeof node !== 'string' || node === '') {
    throw badRequest('Binding: target.name: Required value')
  }
  const name = path.name ?? ''
  updateObject(parts.environment, resource, {
    namespace: path.namespace,
    name,
    options: writeOptionsOf(request, 'CreateOptions'),
    subresource: 'binding',
    change(pod) {
      const assigned = valueAt(pod, ['spec', 'nodeName']) ?? ''
      if (assigned !== '') {
        throw conflict(
          { group: '', plural: 'pods/binding' },
          name,
          `pod ${name} is already assigned to node "${asText(assigned)}"`,
        )
      }
      if (pod.metadata['deletionTimestamp'] !== undefined) {
        throw conflict(
          { group: '', plural: 'pods/binding' },
          name,
          `pod ${name} is being deleted, cannot be assigned to a host`,
        )
      }
      pod['spec'] = { ...(isObject(pod['spec']) ? pod['spec'] : {}), nodeName: node }
      pod['status'] = withScheduled(pod['status'], parts.environment.strategy.now())
      return pod
    },
    changesStatus: true,
  })
  await sendObject(
    response,
    201,
    { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 },
    formatOf(request),
  )
}

function withScheduled(status: unknown, now: Date): JsonObject {
  const next = isObject(status) ? clone(status) : {}
  const conditions = isArray(next['conditions']) ? next['conditions'] : []
  next['conditions'] = [
    ...conditions.filter((one) => !isObject(one) || one['type'] !== 'PodScheduled'),
    {
      type: 'PodScheduled',
      status: 'True',
      lastProbeTime: null,
      lastTransitionTime: timestamp(now),
    },
  ]
  return next
}
