import type { AbortOptions } from '../../model/abort.ts'
import type { Problem } from '../../model/errors.ts'
import type { KubeClient } from '../../model/kubernetes.ts'

/** What a run does, as an API server is asked about it (authorization.k8s.io/v1). */
interface Right {
  readonly group: string
  readonly resource: string
  readonly subresource?: string
  readonly verbs: readonly string[]
}

/** Rights of a run: nothing outside its own namespaces is changed. */
const wanted: readonly Right[] = [
  { group: '', resource: 'nodes', verbs: ['get', 'list'] },
  { group: '', resource: 'namespaces', verbs: ['create', 'get', 'list', 'delete'] },
  { group: '', resource: 'pods', verbs: ['create', 'get', 'list', 'delete'] },
  { group: '', resource: 'pods', subresource: 'exec', verbs: ['create', 'get'] },
  { group: '', resource: 'services', verbs: ['get', 'list', 'patch', 'create', 'delete'] },
  { group: '', resource: 'configmaps', verbs: ['get', 'patch', 'create', 'delete'] },
  { group: '', resource: 'endpoints', verbs: ['get', 'list'] },
  { group: 'apps', resource: 'deployments', verbs: ['get', 'patch', 'create', 'delete'] },
]

/** Rights of a run that starts Jobs. */
const wantedForJobs: readonly Right[] = [
  { group: 'batch', resource: 'jobs', verbs: ['get', 'patch', 'create', 'delete'] },
  { group: '', resource: 'pods', subresource: 'log', verbs: ['get'] },
]

/** Asks for every right of a run (SelfSubjectAccessReview) and gives those that are missing, each with its cure. */
export async function missingRights(
  kube: KubeClient,
  { runsJobs = false, ...options }: AbortOptions & { readonly runsJobs?: boolean },
): Promise<readonly Problem[]> {
  const all = [...wanted, ...(runsJobs ? wantedForJobs : [])]
  const asked = all.flatMap(({ verbs, ...right }) => verbs.map((verb) => ({ ...right, verb })))
  const answers = await Promise.all(
    asked.map(async (right) => ({ right, allowed: await isAllowed(kube, right, options) })),
  )
  return answers
    .filter(({ allowed }) => !allowed)
    .map(({ right: { verb, resource, subresource, group } }) => {
      const what = [resource, subresource].filter((part) => part !== undefined).join('/')
      const full = group === '' ? what : `${what}.${group}`
      return {
        subject: 'rights',
        message: `you may not ${verb} ${full}`,
        cure: `ask for a ClusterRole with it; kubectl auth can-i ${verb} ${full} says when you have it`,
      }
    })
}

async function isAllowed(
  kube: KubeClient,
  { verb, group, resource, subresource }: Omit<Right, 'verbs'> & { readonly verb: string },
  options: AbortOptions,
): Promise<boolean> {
  const resourceAttributes = {
    ...{ verb, group, resource },
    ...(subresource !== undefined && { subresource }),
  }
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
  const body = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes },
  }
  // why: all are asked at once, and each request listens to its signal
  const signal = AbortSignal.any([options.signal])
  const answer = await kube.request('POST', path, { body, signal })
  const { status } = JSON.parse(answer.body) as { readonly status?: { readonly allowed?: boolean } }
  return status?.allowed === true
}
