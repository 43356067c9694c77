import type { ResourceDefinition } from '../resource-definition.ts'
import type { SchemaDocument } from '../schema.ts'

/** Small kinds for tests of the machinery, which must not depend on what the real kinds do. */

const base = {
  shortNames: [],
  categories: [],
  columns: [],
  countsGeneration: false,
  hasStatus: false,
} as const

export const namespaces: ResourceDefinition = {
  ...base,
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
  singular: 'namespace',
  shortNames: ['ns'],
  hasStatus: true,
  nameRule: 'dns1123-label',
  isHeldBack: (object) => {
    const { spec } = object as { readonly spec?: { readonly finalizers?: readonly string[] } }
    return (spec?.finalizers ?? []).length > 0
  },
}

export const nodes: ResourceDefinition = {
  ...base,
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  namespaced: false,
  singular: 'node',
}

export const configMaps: ResourceDefinition = {
  ...base,
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
  singular: 'configmap',
  shortNames: ['cm'],
  columns: [
    {
      name: 'Data',
      type: 'integer',
      description: 'how many entries',
      priority: 0,
      cell: (object) => Object.keys((object['data'] as object | undefined) ?? {}).length,
    },
  ],
}

export const serviceAccounts: ResourceDefinition = {
  ...base,
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  namespaced: true,
  singular: 'serviceaccount',
  shortNames: ['sa'],
}

export const pods: ResourceDefinition = {
  ...base,
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  namespaced: true,
  singular: 'pod',
  shortNames: ['po'],
  categories: ['all'],
  hasStatus: true,
  fieldSelectors: ['spec.nodeName', 'status.phase'],
  gracefulDeletionSeconds: (object) => {
    const spec = object['spec'] as { terminationGracePeriodSeconds?: number; nodeName?: string }
    return spec.nodeName === undefined ? 0 : (spec.terminationGracePeriodSeconds ?? 30)
  },
}

export const deployments: ResourceDefinition = {
  ...base,
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
  singular: 'deployment',
  shortNames: ['deploy'],
  categories: ['all'],
  countsGeneration: true,
  hasStatus: true,
  scale: {
    specReplicas: 'spec.replicas',
    statusReplicas: 'status.replicas',
    selector: 'spec.selector',
  },
  columns: [
    {
      name: 'Replicas',
      type: 'integer',
      description: 'wanted',
      priority: 0,
      cell: (object) => (object['spec'] as { replicas?: number } | undefined)?.replicas ?? null,
    },
    {
      name: 'Images',
      type: 'string',
      description: 'of the containers',
      priority: 1,
      cell: () => 'nginx',
    },
  ],
  applyDefaults: (object) => {
    const spec = object['spec'] as { replicas?: number } | undefined
    if (spec !== undefined) spec.replicas ??= 1
  },
  validate: (object) => {
    const spec = object['spec'] as { readonly replicas?: number } | undefined
    return (spec?.replicas ?? 0) >= 0
      ? []
      : [
          {
            type: 'FieldValueInvalid',
            field: 'spec.replicas',
            value: spec?.replicas,
            detail: 'must be greater than or equal to 0',
          },
        ]
  },
}

export const definitions: readonly ResourceDefinition[] = [
  namespaces,
  nodes,
  configMaps,
  serviceAccounts,
  pods,
  deployments,
]

export const schema: SchemaDocument = {
  kinds: {
    'v1/Namespace': 'Namespace',
    'v1/ConfigMap': 'ConfigMap',
    'v1/ServiceAccount': 'ServiceAccount',
    'v1/Pod': 'Pod',
    'apps/v1/Deployment': 'Deployment',
  },
  types: {
    Namespace: { spec: 'NamespaceSpec', status: 'NamespaceStatus' },
    NamespaceSpec: { finalizers: '[]string' },
    NamespaceStatus: { phase: 'string' },
    ConfigMap: { data: '{}string', binaryData: '{}bytes', immutable: 'bool' },
    ServiceAccount: { automountServiceAccountToken: 'bool' },
    Pod: { spec: 'PodSpec', status: 'PodStatus' },
    PodSpec: {
      containers: '[]Container map=name merge=name',
      nodeName: 'string',
      nodeSelector: '{}string atomic',
      restartPolicy: 'string',
      terminationGracePeriodSeconds: 'int64',
      tolerations: '[]Toleration',
      volumes: '[]Volume map=name merge=name retainKeys',
    },
    Volume: { name: 'string', emptyDir: 'EmptyDir', configMap: 'ConfigMapVolume' },
    EmptyDir: { medium: 'string' },
    ConfigMapVolume: { name: 'string' },
    Toleration: { key: 'string', operator: 'string', value: 'string', effect: 'string' },
    PodStatus: {
      phase: 'string',
      podIP: 'string',
      containerStatuses: '[]any',
      conditions: '[]Condition map=type merge=type',
    },
    Condition: { type: 'string', status: 'string', reason: 'string', message: 'string' },
    Container: {
      name: 'string',
      image: 'string',
      args: '[]string',
      env: '[]EnvVar map=name merge=name',
      ports: '[]ContainerPort map=containerPort,protocol merge=containerPort',
    },
    EnvVar: { name: 'string', value: 'string' },
    ContainerPort: { name: 'string', containerPort: 'int32', protocol: 'string default=TCP' },
    Deployment: { spec: 'DeploymentSpec', status: 'DeploymentStatus' },
    DeploymentSpec: {
      replicas: 'int32',
      selector: 'LabelSelector atomic',
      template: 'PodTemplateSpec',
      strategy: 'DeploymentStrategy retainKeys',
      paused: 'bool',
    },
    DeploymentStrategy: { type: 'string', rollingUpdate: 'RollingUpdate' },
    RollingUpdate: { maxSurge: 'intOrString', maxUnavailable: 'intOrString' },
    DeploymentStatus: {
      replicas: 'int32',
      readyReplicas: 'int32',
      observedGeneration: 'int64',
      conditions: '[]Condition map=type merge=type',
    },
    LabelSelector: { matchLabels: '{}string', matchExpressions: '[]Requirement' },
    Requirement: { key: 'string', operator: 'string', values: '[]string' },
    PodTemplateSpec: { metadata: 'ObjectMeta', spec: 'PodSpec' },
  },
}
