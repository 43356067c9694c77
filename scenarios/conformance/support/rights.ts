import type { CheckContext, KubeObject } from '../../../harness/api.ts'

/** One rule of a Role or ClusterRole (rbac.authorization.k8s.io/v1). */
export interface PolicyRule {
  readonly apiGroups?: readonly string[]
  readonly resources?: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly nonResourceURLs?: readonly string[]
  readonly verbs?: readonly string[]
}

/** A role that somebody was given, and by which binding. */
export interface Grant {
  /** `ClusterRole system:node-proxier`. */
  readonly role: string
  readonly rules: readonly PolicyRule[]
}

export interface Account {
  readonly namespace: string
  readonly name: string
}

const reading: ReadonlySet<string> = new Set(['get', 'list', 'watch'])

/** Reading these acts: a GET with an upgrade runs programs in pods, or goes to the kubelet or a Service with its rights. */
const acting = /\/(exec|attach|portforward|proxy)$/

/**
 * What of a role goes beyond reading what is named, one sentence each: other verbs, wildcards, Secrets that are not named
 * one by one, and subresources that act when they are read. Reading URLs that are no resources (/healthz) is no excess.
 */
export function excessOf({ role, rules }: Grant): readonly string[] {
  return rules.flatMap((rule) => {
    const { apiGroups = [], resources = [], resourceNames = [], verbs = [] } = rule
    const what = [...resources, ...(rule.nonResourceURLs ?? [])].join()
    const told = (text: string): string => `${role}: ${text}`
    const writes = verbs.filter((verb) => !reading.has(verb))
    const wild = [...apiGroups, ...resources].includes('*')
    const secrets = resources.includes('secrets') && resourceNames.length === 0
    return [
      ...(writes.length > 0 ? [told(`${writes.join()} on ${what}`)] : []),
      ...(wild ? [told(`a wildcard in ${apiGroups.join() || '""'} ${what}`)] : []),
      ...(secrets ? [told('every Secret')] : []),
      ...resources.filter((one) => acting.test(one)).map((one) => told(`acting by ${one}`)),
    ]
  })
}

interface Binding {
  readonly roleRef?: { readonly kind?: string; readonly name?: string }
  readonly subjects?: readonly {
    readonly kind?: string
    readonly name?: string
    readonly namespace?: string
  }[]
}

/**
 * What a service account was given: to itself, or to all service accounts. What Kubernetes gives to everybody who is
 * authenticated is left out: nobody's manifests say so.
 * @throws Error when a role that it is bound to is not there, so nobody can know what is in it
 */
export async function grantsOf(
  { cluster, signal }: Pick<CheckContext, 'cluster' | 'signal'>,
  account: Account,
): Promise<readonly Grant[]> {
  const all = async (kind: string): Promise<readonly KubeObject[]> => {
    const type = await cluster.kube.typeOf(
      { apiVersion: 'rbac.authorization.k8s.io/v1', kind },
      { signal },
    )
    return (await cluster.kube.list(type, { signal })).items
  }
  const [clusterRoles, roles, clusterBindings, bindings] = await Promise.all(
    ['ClusterRole', 'Role', 'ClusterRoleBinding', 'RoleBinding'].map(all),
  )
  return [...(clusterBindings ?? []), ...(bindings ?? [])]
    .filter((binding) => isFor(binding, account))
    .map((binding) => {
      const { kind = '', name = '' } = (binding as Binding).roleRef ?? {}
      const { namespace } = binding.metadata
      const found = (kind === 'Role' ? roles : clusterRoles)?.find(
        ({ metadata }) =>
          metadata.name === name && (kind !== 'Role' || metadata.namespace === namespace),
      )
      const role = `${kind} ${name}`
      if (found === undefined)
        throw new Error(`${role}, that ${account.name} is bound to, is not there`)
      return { role, rules: (found['rules'] ?? []) as readonly PolicyRule[] }
    })
}

function isFor(binding: KubeObject, { namespace, name }: Account): boolean {
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`]
  return ((binding as Binding).subjects ?? []).some((subject) => {
    if (subject.kind === 'ServiceAccount')
      // why: a RoleBinding may leave it out only in old versions; the API fills nothing in
      return subject.name === name && subject.namespace === namespace
    if (subject.kind === 'User')
      return subject.name === `system:serviceaccount:${namespace}:${name}`
    return subject.kind === 'Group' && groups.includes(subject.name ?? '')
  })
}
