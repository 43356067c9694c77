import { timestamp } from '../meta/object-meta.ts'
import { isArray, isObject, valueAt } from '../json.ts'
import type { JsonObject } from '../json.ts'
import { sendObject } from '../http/answer.ts'
import type { ResourceRequest, ServerParts } from '../http/request-context.ts'
import { formatOf, objectOf, writeOptionsOf } from '../http/resource-handler.ts'
import type { User } from '../environment.ts'
import type { ResourceDefinition } from '../resource-definition.ts'
import type { SchemaDocument } from '../schema.ts'

/** Kinds that are questions: nothing is stored, a create is answered. */

const review = (
  group: string,
  kind: string,
  plural: string,
  namespaced = false,
): ResourceDefinition => ({
  group,
  version: 'v1',
  kind,
  plural,
  namespaced,
  singular: kind.toLowerCase(),
  shortNames: [],
  categories: [],
  columns: [],
  countsGeneration: false,
  hasStatus: false,
  verbs: ['create'],
})

export const reviewDefinitions: readonly ResourceDefinition[] = [
  review('authentication.k8s.io', 'TokenReview', 'tokenreviews'),
  review('authentication.k8s.io', 'SelfSubjectReview', 'selfsubjectreviews'),
  review('authorization.k8s.io', 'SubjectAccessReview', 'subjectaccessreviews'),
  review('authorization.k8s.io', 'SelfSubjectAccessReview', 'selfsubjectaccessreviews'),
  review('authorization.k8s.io', 'LocalSubjectAccessReview', 'localsubjectaccessreviews', true),
  review('authorization.k8s.io', 'SelfSubjectRulesReview', 'selfsubjectrulesreviews'),
]

const accessReview = { spec: 'SubjectAccessReviewSpec', status: 'any' }

/** The shapes of these kinds, and of the bodies of subresources that are no kind of their own. */
export const reviewSchema: SchemaDocument = {
  kinds: {
    'authentication.k8s.io/v1/TokenReview': 'TokenReview',
    'authentication.k8s.io/v1/TokenRequest': 'TokenRequest',
    'authentication.k8s.io/v1/SelfSubjectReview': 'SelfSubjectReview',
    'authorization.k8s.io/v1/SubjectAccessReview': 'SubjectAccessReview',
    'authorization.k8s.io/v1/SelfSubjectAccessReview': 'SelfSubjectAccessReview',
    'authorization.k8s.io/v1/LocalSubjectAccessReview': 'LocalSubjectAccessReview',
    'authorization.k8s.io/v1/SelfSubjectRulesReview': 'SelfSubjectRulesReview',
    'v1/Binding': 'Binding',
    'policy/v1/Eviction': 'Eviction',
    'policy/v1beta1/Eviction': 'Eviction',
    'autoscaling/v1/Scale': 'Scale',
    'v1/DeleteOptions': 'DeleteOptions',
    'meta.k8s.io/v1/DeleteOptions': 'DeleteOptions',
  },
  types: {
    TokenReview: { spec: 'TokenReviewSpec', status: 'any' },
    TokenReviewSpec: { token: 'string', audiences: '[]string' },
    TokenRequest: { spec: 'TokenRequestSpec', status: 'any' },
    TokenRequestSpec: {
      audiences: '[]string',
      expirationSeconds: 'int64',
      boundObjectRef: 'BoundObjectReference',
    },
    BoundObjectReference: { kind: 'string', apiVersion: 'string', name: 'string', uid: 'string' },
    SelfSubjectReview: { status: 'any' },
    SubjectAccessReview: accessReview,
    SelfSubjectAccessReview: { spec: 'SelfSubjectAccessReviewSpec', status: 'any' },
    LocalSubjectAccessReview: accessReview,
    SubjectAccessReviewSpec: {
      resourceAttributes: 'ResourceAttributes',
      nonResourceAttributes: 'NonResourceAttributes',
      user: 'string',
      groups: '[]string',
      extra: 'any',
      uid: 'string',
    },
    SelfSubjectAccessReviewSpec: {
      resourceAttributes: 'ResourceAttributes',
      nonResourceAttributes: 'NonResourceAttributes',
    },
    ResourceAttributes: {
      namespace: 'string',
      verb: 'string',
      group: 'string',
      version: 'string',
      resource: 'string',
      subresource: 'string',
      name: 'string',
      fieldSelector: 'any',
      labelSelector: 'any',
    },
    NonResourceAttributes: { path: 'string', verb: 'string' },
    SelfSubjectRulesReview: { spec: 'SelfSubjectRulesReviewSpec', status: 'any' },
    SelfSubjectRulesReviewSpec: { namespace: 'string' },
    Binding: { target: 'BindingTarget' },
    BindingTarget: {
      kind: 'string',
      namespace: 'string',
      name: 'string',
      uid: 'string',
      apiVersion: 'string',
      resourceVersion: 'string',
      fieldPath: 'string',
    },
    Eviction: { deleteOptions: 'DeleteOptions' },
    DeleteOptions: {
      gracePeriodSeconds: 'int64',
      preconditions: 'Preconditions',
      orphanDependents: 'bool',
      propagationPolicy: 'string',
      dryRun: '[]string',
    },
    Preconditions: { uid: 'string', resourceVersion: 'string' },
    Scale: { spec: 'ScaleSpec', status: 'ScaleStatus' },
    ScaleSpec: { replicas: 'int32' },
    ScaleStatus: { replicas: 'int32', selector: 'string' },
  },
}

const answers: Readonly<
  Record<string, (parts: ServerParts, asker: User, spec: JsonObject) => JsonObject>
> = {
  TokenReview: (parts, _asker, spec) => {
    const token = String(spec['token'])
    const user = parts.tokens.authenticate(token) ?? parts.serviceAccountTokens.authenticate(token)
    if (user === undefined) return { user: {}, error: '[invalid bearer token]' }
    const audiences = isArray(spec['audiences']) ? spec['audiences'] : []
    return { authenticated: true, user: userInfo(user), ...(audiences.length > 0 && { audiences }) }
  },
  SelfSubjectReview: (_parts, asker) => ({ userInfo: userInfo(asker) }),
  // why: RBAC is stored here, not simulated: everyone with a token may do everything
  SubjectAccessReview: () => ({ allowed: true, reason: 'provider local allows everything' }),
  SelfSubjectAccessReview: () => ({ allowed: true, reason: 'provider local allows everything' }),
  LocalSubjectAccessReview: () => ({ allowed: true, reason: 'provider local allows everything' }),
  SelfSubjectRulesReview: () => ({
    resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
    nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
    incomplete: false,
  }),
}

/** Answers a question; false when the request is for a kind that is stored. */
export async function answerReview(request: ResourceRequest): Promise<boolean> {
  const { definition } = request.resource
  const answer = answers[definition.kind]
  const isReview = definition.group.startsWith('auth') && definition.group.endsWith('.k8s.io')
  if (answer === undefined || !isReview) return false
  const { object } = await objectOf(request, writeOptionsOf(request, 'CreateOptions'))
  const spec = valueAt(object, ['spec'])
  const status = answer(request.parts, request.user, isObject(spec) ? spec : {})
  const now = timestamp(request.parts.environment.strategy.now())
  const answered = { ...object, metadata: { ...object.metadata, creationTimestamp: now }, status }
  await sendObject(request.response, 201, answered, formatOf(request))
  return true
}

function userInfo(user: User): JsonObject {
  return {
    username: user.name,
    ...(user.uid !== undefined && { uid: user.uid }),
    groups: user.groups,
    ...(user.extra !== undefined && { extra: user.extra }),
  }
}
