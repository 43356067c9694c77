import type { KubeObject } from '../../../../model/kubernetes.ts'
import { badRequest, conflict, invalid, notFound } from '../api-errors.ts'
import { readBody } from '../http/request-body.ts'
import type { ResourceRequest } from '../http/request-context.ts'
import { bodyOf, formatOf, unsupportedMethod, writeOptionsOf } from '../http/resource-handler.ts'
import { sendObject } from '../http/answer.ts'
import { parseMediaType } from '../http/media-type.ts'
import { asText, isArray, isObject, setAt, valueAt } from '../json.ts'
import type { JsonObject } from '../json.ts'
import { patcherOf } from '../patch/patch-object.ts'
import type { ScalePaths } from '../resource-definition.ts'
import { storageKey } from '../storage/store.ts'
import { updateObject } from '../verbs/update.ts'

/** get, update and patch of `scale` (autoscaling/v1). */
export async function handleScale(request: ResourceRequest): Promise<void> {
  const { parts, resource, path, response } = request
  const { definition } = resource
  const { scale: paths } = definition
  if (paths === undefined) throw unsupportedMethod()
  const name = path.name ?? ''
  const current = resource.storage.get(storageKey(path.namespace, name))
  if (current === undefined) throw notFound(definition, name)
  const send = async (object: KubeObject) => {
    await sendObject(response, 200, scaleOf(object, paths), formatOf(request))
  }
  const change = await readChange(request)
  if (change === undefined) {
    await send(current)
    return
  }
  const wanted = change(scaleOf(current, paths))
  const replicas = valueAt(wanted, ['spec', 'replicas']) ?? 0
  if (!Number.isInteger(replicas) || Number(replicas) < 0) {
    throw invalid({ group: 'autoscaling', kind: 'Scale' }, name, [
      {
        type: 'FieldValueInvalid',
        field: 'spec.replicas',
        value: replicas,
        detail: 'should be a non-negative integer',
      },
    ])
  }
  const version = valueAt(wanted, ['metadata', 'resourceVersion']) ?? ''
  if (version !== '' && version !== current.metadata.resourceVersion) {
    throw conflict(
      definition,
      name,
      'the object has been modified; please apply your changes to the latest version and try again',
    )
  }
  const updated = updateObject(parts.environment, resource, {
    namespace: path.namespace,
    name,
    options: writeOptionsOf(request, 'UpdateOptions'),
    subresource: 'scale',
    change(object) {
      setAt(object, paths.specReplicas.split('.'), replicas)
      return object
    },
  })
  await send(updated)
}

type Change = (scale: JsonObject) => JsonObject

async function readChange(resourceRequest: ResourceRequest): Promise<Change | undefined> {
  const { request, resource } = resourceRequest
  switch (request.method) {
    case 'GET':
      return undefined
    case 'PUT': {
      const { value } = await bodyOf(resourceRequest)
      if (value['kind'] !== undefined && value['kind'] !== 'Scale') {
        throw badRequest(`wrong object passed to Scale update: ${asText(value['kind'])}`)
      }
      return () => value
    }
    case 'PATCH': {
      const { type } = parseMediaType(request.headers['content-type'] ?? '')
      const text = (await readBody(request)).toString('utf8')
      return patcherOf(type, text, { ...resource, type: undefined })
    }
    default:
      throw unsupportedMethod()
  }
}

function scaleOf(object: KubeObject, paths: ScalePaths): JsonObject {
  const at = (path: string) => valueAt(object, path.split('.'))
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const replicas = at(paths.specReplicas) ?? 0
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    // why: the real one leaves a zero out (omitempty)
    spec: replicas === 0 ? {} : { replicas },
    status: {
      replicas: at(paths.statusReplicas) ?? 0,
      ...(paths.selector !== '' && { selector: formatSelector(at(paths.selector)) }),
    },
  }
}

/** A label selector as text: `app=a,tier in (b,c)`. */
function formatSelector(selector: unknown): string {
  if (typeof selector === 'string') return selector
  if (!isObject(selector)) return ''
  const labels = isObject(selector['matchLabels']) ? selector['matchLabels'] : {}
  const expressions = isArray(selector['matchExpressions']) ? selector['matchExpressions'] : []
  const terms = Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${String(value)}`)
  for (const expression of expressions.filter(isObject)) {
    const { key, operator, values } = expression
    const list = isArray(values) ? values.map(String).sort().join(',') : ''
    if (operator === 'Exists') terms.push(String(key))
    else if (operator === 'DoesNotExist') terms.push(`!${String(key)}`)
    else terms.push(`${String(key)} ${String(operator).toLowerCase()} (${list})`)
  }
  return terms.join(',')
}
