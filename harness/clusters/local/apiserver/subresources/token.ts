import { badRequest, invalid, notFound } from '../api-errors.ts'
import { isArray, isObject } from '../json.ts'
import { timestamp } from '../meta/object-meta.ts'
import { sendObject } from '../http/answer.ts'
import type { ResourceRequest } from '../http/request-context.ts'
import { bodyOf, formatOf, unsupportedMethod } from '../http/resource-handler.ts'
import { storageKey } from '../storage/store.ts'

const minLifetimeSeconds = 600
const usualLifetimeSeconds = 3_600

/** Issues a token of a service account (authentication.k8s.io/v1 TokenRequest). */
export async function handleToken(request: ResourceRequest): Promise<void> {
  if (request.request.method !== 'POST') throw unsupportedMethod()
  const { parts, resource, path, response } = request
  const namespace = path.namespace ?? ''
  const name = path.name ?? ''
  const account = resource.storage.get(storageKey(namespace, name))
  if (account === undefined) throw notFound(resource.definition, name)
  const { value } = await bodyOf(request)
  const spec = isObject(value['spec']) ? value['spec'] : {}
  const lifetimeSeconds = Number(spec['expirationSeconds'] ?? usualLifetimeSeconds)
  if (!(lifetimeSeconds >= minLifetimeSeconds)) {
    throw invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, name, [
      {
        type: 'FieldValueInvalid',
        field: 'spec.expirationSeconds',
        value: spec['expirationSeconds'],
        detail: 'may not specify a duration less than 10 minutes',
      },
    ])
  }
  const audiences = isArray(spec['audiences']) ? spec['audiences'].map(String) : []
  const issuer = `https://kubernetes.default.svc.${parts.environment.strategy.clusterDomain}`
  const expiresAt = new Date(parts.environment.strategy.now().getTime() + lifetimeSeconds * 1_000)
  const pod = podOf(request, spec['boundObjectRef'], namespace)
  const token = parts.serviceAccountTokens.issue({
    namespace,
    name,
    uid: account.metadata.uid ?? '',
    audiences: audiences.length > 0 ? audiences : [issuer],
    expiresAt,
    ...(pod !== undefined && { pod }),
  })
  await sendObject(
    response,
    201,
    {
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { name, namespace, creationTimestamp: timestamp(new Date()) },
      spec: {
        audiences: audiences.length > 0 ? audiences : [issuer],
        expirationSeconds: lifetimeSeconds,
        boundObjectRef: spec['boundObjectRef'] ?? null,
      },
      status: { token, expirationTimestamp: timestamp(expiresAt) },
    },
    formatOf(request),
  )
}

/** The pod that the token is to die with. */
function podOf(
  { parts }: ResourceRequest,
  reference: unknown,
  namespace: string,
): { readonly name: string; readonly uid: string } | undefined {
  if (!isObject(reference)) return undefined
  const { kind, name, uid } = reference
  if (kind !== 'Pod') throw badRequest(`cannot bind token to object of type ${String(kind)}`)
  const pods = parts.environment.registry.find('', 'v1', 'pods')
  const pod = pods?.storage.get(storageKey(namespace, String(name)))
  if (pods === undefined || pod === undefined) {
    throw notFound({ group: '', plural: 'pods' }, String(name))
  }
  if (typeof uid === 'string' && uid !== '' && uid !== pod.metadata.uid) {
    throw badRequest(
      `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    )
  }
  return { name: pod.metadata.name, uid: pod.metadata.uid ?? '' }
}
