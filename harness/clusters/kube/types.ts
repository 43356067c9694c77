import type { ResourceType } from '../../model/kubernetes.ts'

const namespaced = (
  group: string,
  version: string,
  kind: string,
  plural: string,
): ResourceType => ({
  group,
  version,
  kind,
  plural,
  namespaced: true,
})

const clusterWide = (
  group: string,
  version: string,
  kind: string,
  plural: string,
): ResourceType => ({
  group,
  version,
  kind,
  plural,
  namespaced: false,
})

export const pods: ResourceType = namespaced('', 'v1', 'Pod', 'pods')
export const services: ResourceType = namespaced('', 'v1', 'Service', 'services')
export const endpoints: ResourceType = namespaced('', 'v1', 'Endpoints', 'endpoints')
export const configMaps: ResourceType = namespaced('', 'v1', 'ConfigMap', 'configmaps')
export const secrets: ResourceType = namespaced('', 'v1', 'Secret', 'secrets')
export const serviceAccounts: ResourceType = namespaced(
  '',
  'v1',
  'ServiceAccount',
  'serviceaccounts',
)
export const events: ResourceType = namespaced('', 'v1', 'Event', 'events')
export const nodes: ResourceType = clusterWide('', 'v1', 'Node', 'nodes')
export const namespaces: ResourceType = clusterWide('', 'v1', 'Namespace', 'namespaces')
export const endpointSlices: ResourceType = namespaced(
  'discovery.k8s.io',
  'v1',
  'EndpointSlice',
  'endpointslices',
)
export const deployments: ResourceType = namespaced('apps', 'v1', 'Deployment', 'deployments')
export const replicaSets: ResourceType = namespaced('apps', 'v1', 'ReplicaSet', 'replicasets')
export const daemonSets: ResourceType = namespaced('apps', 'v1', 'DaemonSet', 'daemonsets')
export const controllerRevisions: ResourceType = namespaced(
  'apps',
  'v1',
  'ControllerRevision',
  'controllerrevisions',
)
export const leases: ResourceType = namespaced('coordination.k8s.io', 'v1', 'Lease', 'leases')
export const clusterRoles: ResourceType = clusterWide(
  'rbac.authorization.k8s.io',
  'v1',
  'ClusterRole',
  'clusterroles',
)
export const clusterRoleBindings: ResourceType = clusterWide(
  'rbac.authorization.k8s.io',
  'v1',
  'ClusterRoleBinding',
  'clusterrolebindings',
)
export const roles: ResourceType = namespaced('rbac.authorization.k8s.io', 'v1', 'Role', 'roles')
export const roleBindings: ResourceType = namespaced(
  'rbac.authorization.k8s.io',
  'v1',
  'RoleBinding',
  'rolebindings',
)
export const customResourceDefinitions: ResourceType = clusterWide(
  'apiextensions.k8s.io',
  'v1',
  'CustomResourceDefinition',
  'customresourcedefinitions',
)

/** What every Kubernetes has; other kinds are looked up through discovery. */
export const builtInTypes: readonly ResourceType[] = [
  pods,
  services,
  endpoints,
  configMaps,
  secrets,
  serviceAccounts,
  events,
  nodes,
  namespaces,
  endpointSlices,
  deployments,
  replicaSets,
  daemonSets,
  controllerRevisions,
  leases,
  clusterRoles,
  clusterRoleBindings,
  roles,
  roleBindings,
  customResourceDefinitions,
]

/** Path of a collection, or of one object in it. */
export function pathOf(
  type: ResourceType,
  key: { readonly namespace?: string; readonly name?: string } = {},
  subresource?: string,
): string {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`
  const scope =
    type.namespaced && key.namespace !== undefined
      ? `/namespaces/${encodeURIComponent(key.namespace)}`
      : ''
  const name = key.name === undefined ? '' : `/${encodeURIComponent(key.name)}`
  return `${root}${scope}/${type.plural}${name}${subresource === undefined ? '' : `/${subresource}`}`
}

/** The group and version of an apiVersion: `apps/v1` or `v1`. */
export function groupVersion(apiVersion: string): {
  readonly group: string
  readonly version: string
} {
  const slash = apiVersion.indexOf('/')
  return slash === -1
    ? { group: '', version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) }
}
