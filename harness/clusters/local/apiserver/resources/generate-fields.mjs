// Writes fields.ts: which fields the built-in kinds have and of which type, from the types that the Kubernetes API
// publishes (as @kubernetes/client-node carries them), with the keys of lists from the API's own reference.
//   node harness/clusters/local/apiserver/resources/generate-fields.mjs
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as api from '@kubernetes/client-node'

const kinds = {
  'v1/Pod': 'V1Pod',
  'v1/Service': 'V1Service',
  'v1/Endpoints': 'V1Endpoints',
  'v1/Node': 'V1Node',
  'v1/Namespace': 'V1Namespace',
  'v1/ConfigMap': 'V1ConfigMap',
  'v1/Secret': 'V1Secret',
  'v1/ServiceAccount': 'V1ServiceAccount',
  'v1/Event': 'CoreV1Event',
  'events.k8s.io/v1/Event': 'EventsV1Event',
  'discovery.k8s.io/v1/EndpointSlice': 'V1EndpointSlice',
  'apps/v1/Deployment': 'V1Deployment',
  'apps/v1/ReplicaSet': 'V1ReplicaSet',
  'apps/v1/DaemonSet': 'V1DaemonSet',
  'apps/v1/ControllerRevision': 'V1ControllerRevision',
  'coordination.k8s.io/v1/Lease': 'V1Lease',
  'scheduling.k8s.io/v1/PriorityClass': 'V1PriorityClass',
  'rbac.authorization.k8s.io/v1/Role': 'V1Role',
  'rbac.authorization.k8s.io/v1/RoleBinding': 'V1RoleBinding',
  'rbac.authorization.k8s.io/v1/ClusterRole': 'V1ClusterRole',
  'rbac.authorization.k8s.io/v1/ClusterRoleBinding': 'V1ClusterRoleBinding',
  'networking.k8s.io/v1/NetworkPolicy': 'V1NetworkPolicy',
  'networking.k8s.io/v1/Ingress': 'V1Ingress',
  'networking.k8s.io/v1/IngressClass': 'V1IngressClass',
  'policy/v1/PodDisruptionBudget': 'V1PodDisruptionBudget',
}

// Keys of lists and ownership of maps: `TYPE.field` to flags (see ../schema.ts).
const flags = {
  'PodSpec.containers': 'map=name merge=name',
  'PodSpec.initContainers': 'map=name merge=name',
  'PodSpec.ephemeralContainers': 'map=name merge=name',
  'PodSpec.volumes': 'map=name merge=name retainKeys',
  'PodSpec.imagePullSecrets': 'map=name merge=name',
  'PodSpec.hostAliases': 'map=ip merge=ip',
  'PodSpec.topologySpreadConstraints': 'map=topologyKey,whenUnsatisfiable merge=topologyKey',
  'PodSpec.nodeSelector': 'atomic',
  'PodSpec.schedulingGates': 'map=name merge=name',
  'PodSpec.resourceClaims': 'map=name merge=name retainKeys',
  'PodStatus.conditions': 'map=type merge=type',
  'PodStatus.podIPs': 'map=ip merge=ip',
  'PodStatus.hostIPs': 'merge=ip',
  'Container.ports': 'map=containerPort,protocol merge=containerPort',
  'Container.env': 'map=name merge=name',
  'Container.volumeMounts': 'map=mountPath merge=mountPath',
  'Container.volumeDevices': 'map=devicePath merge=devicePath',
  'EphemeralContainer.ports': 'map=containerPort,protocol merge=containerPort',
  'EphemeralContainer.env': 'map=name merge=name',
  'EphemeralContainer.volumeMounts': 'map=mountPath merge=mountPath',
  'EphemeralContainer.volumeDevices': 'map=devicePath merge=devicePath',
  'ContainerPort.protocol': 'default=TCP',
  'ServiceSpec.ports': 'map=port,protocol merge=port',
  'ServiceSpec.selector': 'atomic',
  'ServicePort.protocol': 'default=TCP',
  'ServiceStatus.conditions': 'map=type merge=type',
  'NodeSpec.podCIDRs': 'set merge',
  'NodeSpec.taints': '',
  'NodeStatus.addresses': 'map=type merge=type',
  'NodeStatus.conditions': 'map=type merge=type',
  'NamespaceStatus.conditions': 'map=type merge=type',
  'ServiceAccount.secrets': 'map=name merge=name',
  'DeploymentSpec.strategy': 'retainKeys',
  'DeploymentStatus.conditions': 'map=type merge=type',
  'ReplicaSetStatus.conditions': 'map=type merge=type',
  'DaemonSetStatus.conditions': 'map=type merge=type',
  'EndpointSlice.endpoints': '',
  'LabelSelector.matchLabels': '',
  'ObjectMeta.ownerReferences': 'map=uid merge=uid',
  'ObjectMeta.finalizers': 'set merge',
  'PodDisruptionBudgetStatus.conditions': 'map=type merge=type',
  'ProjectedVolumeSource.sources': '',
}

// Objects that are owned as a whole (x-kubernetes-map-type: atomic).
const atomic = new Set([
  'LabelSelector',
  'LocalObjectReference',
  'ObjectReference',
  'ObjectFieldSelector',
  'ConfigMapKeySelector',
  'SecretKeySelector',
  'NodeSelector',
  'NodeSelectorTerm',
  'ResourceFieldSelector',
  'TypedLocalObjectReference',
  'RoleRef',
  'Subject',
])

const types = {}
const short = (name) =>
  name
    .replace(/^EventsV1Event/, 'EventsEvent')
    .replace(/^(V1|CoreV1|DiscoveryV1|StorageV1|AuthenticationV1|RbacV1|FlowcontrolV1)/, '')
const quantities = new Set([
  'limits',
  'requests',
  'capacity',
  'allocatable',
  'hard',
  'default',
  'overhead',
  'sizeLimit',
  'divisor',
  'allocatedResources',
])

function typeName({ type, format, baseName }) {
  let match = /^Array<(.*)>$/.exec(type)
  if (match) return `[]${typeName({ type: match[1], format, baseName })}`
  match = /^\{ \[key: string\]: (.*); \}$/.exec(type)
  if (match) {
    const value = typeName({ type: match[1], format, baseName })
    return `{}${quantities.has(baseName) && value === 'string' ? 'quantity' : value}`
  }
  if (quantities.has(baseName) && type === 'string') return 'quantity'
  if (type === 'string') return format === 'byte' ? 'bytes' : 'string'
  if (type === 'boolean') return 'bool'
  if (type === 'number')
    return format === 'int64' ? 'int64' : format === 'double' ? 'double' : 'int32'
  if (type === 'Date' || type === 'V1MicroTime') return 'time'
  if (type === 'IntOrString') return 'intOrString'
  if (type === 'any' || type === 'object') return 'any'
  add(type)
  return short(type)
}

function add(className) {
  const name = short(className)
  if (name in types) return
  types[name] = {}
  const model = api[className]
  if (model === undefined) throw new Error(`no type ${className}`)
  for (const field of model.getAttributeTypeMap()) {
    const isTop = Object.values(kinds).includes(className)
    if (isTop && ['apiVersion', 'kind', 'metadata'].includes(field.baseName)) continue
    const type = typeName(field)
    const extra = flags[`${name}.${field.baseName}`] ?? (atomic.has(type) ? 'atomic' : '')
    types[name][field.baseName] = extra === '' ? type : `${type} ${extra}`
  }
}

for (const className of Object.values(kinds)) add(className)
const document = {
  kinds: Object.fromEntries(
    Object.entries(kinds).map(([kind, className]) => [kind, short(className)]),
  ),
  types,
}
// why one line per type: small differences when the API changes
const lines = Object.entries(document.types).map(
  ([name, fields]) => `    ${JSON.stringify(name)}: ${JSON.stringify(fields)},`,
)
writeFileSync(
  join(import.meta.dirname, 'fields.ts'),
  `/* Written by generate-fields.mjs: change that, not this. */
import type { SchemaDocument } from '../schema.ts'

// prettier-ignore
export const fields: SchemaDocument = {
  kinds: ${JSON.stringify(document.kinds)},
  types: {
${lines.join('\n')}
  },
}
`,
)
