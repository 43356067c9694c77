import type { ResourceDefinition } from '../resource-definition.ts'
import { at, column, define, fill, listAt, numberAt, selectorText, textAt } from './define.ts'

const count = (value: unknown): number =>
  typeof value === 'object' && value !== null ? Object.keys(value).length : 0

const numberOrText = (value: unknown): string =>
  typeof value === 'number' || typeof value === 'string' ? String(value) : 'N/A'

/** Kinds that are stored, listed and watched, with little or no rule of their own. */
export const stored: readonly ResourceDefinition[] = [
  define({
    kind: 'ConfigMap',
    plural: 'configmaps',
    namespaced: true,
    shortNames: ['cm'],
    columns: [
      column('Data', (object) => count(object['data']) + count(object['binaryData']), {
        type: 'integer',
      }),
    ],
  }),
  define({
    kind: 'Secret',
    plural: 'secrets',
    namespaced: true,
    fieldSelectors: ['type'],
    columns: [
      column('Type', (object) => textAt(object, 'type')),
      column('Data', (object) => count(object['data']), { type: 'integer' }),
    ],
    applyDefaults: (object) => {
      fill(object, { type: 'Opaque' })
      const text = object['stringData'] as Readonly<Record<string, string>> | undefined
      if (text === undefined) return
      const encoded = Object.entries(text).map(([key, value]) => [
        key,
        Buffer.from(value).toString('base64'),
      ])
      object['data'] = {
        ...(object['data'] as object | undefined),
        ...(Object.fromEntries(encoded) as object),
      }
      Reflect.deleteProperty(object, 'stringData')
    },
  }),
  define({
    kind: 'ServiceAccount',
    plural: 'serviceaccounts',
    returnsDeleted: true,
    namespaced: true,
    shortNames: ['sa'],
    columns: [column('Secrets', (object) => listAt(object, 'secrets').length, { type: 'integer' })],
  }),
  define({
    group: 'apps',
    kind: 'ControllerRevision',
    plural: 'controllerrevisions',
    namespaced: true,
    columns: [
      column('Controller', (object) => {
        const owner = object.metadata.ownerReferences?.find(({ controller }) => controller === true)
        return owner === undefined ? '<none>' : `${owner.kind.toLowerCase()}.apps/${owner.name}`
      }),
      column('Revision', (object) => numberAt(object, 'revision'), { type: 'integer' }),
    ],
  }),
  define({
    group: 'coordination.k8s.io',
    kind: 'Lease',
    plural: 'leases',
    namespaced: true,
    columns: [column('Holder', (object) => textAt(object, 'spec', 'holderIdentity'))],
  }),
  define({
    group: 'scheduling.k8s.io',
    kind: 'PriorityClass',
    plural: 'priorityclasses',
    namespaced: false,
    shortNames: ['pc'],
    columns: [
      column('Value', (object) => numberAt(object, 'value'), { type: 'integer' }),
      column('Global-Default', (object) => String(at(object, 'globalDefault') === true)),
    ],
  }),
  ...(['Role', 'ClusterRole'] as const).map((kind) =>
    define({
      group: 'rbac.authorization.k8s.io',
      kind,
      plural: `${kind.toLowerCase()}s`,
      namespaced: kind === 'Role',
      nameRule: 'path-segment',
      columns: [column('Created At', (object) => object.metadata.creationTimestamp ?? '')],
      hasAge: false,
    }),
  ),
  ...(['RoleBinding', 'ClusterRoleBinding'] as const).map((kind) =>
    define({
      group: 'rbac.authorization.k8s.io',
      kind,
      plural: `${kind.toLowerCase()}s`,
      namespaced: kind === 'RoleBinding',
      nameRule: 'path-segment',
      columns: [
        column(
          'Role',
          (object) => `${textAt(object, 'roleRef', 'kind')}/${textAt(object, 'roleRef', 'name')}`,
        ),
      ],
    }),
  ),
  define({
    group: 'networking.k8s.io',
    kind: 'NetworkPolicy',
    plural: 'networkpolicies',
    singular: 'networkpolicy',
    namespaced: true,
    shortNames: ['netpol'],
    countsGeneration: true,
    columns: [column('Pod-Selector', (object) => selectorText(at(object, 'spec', 'podSelector')))],
  }),
  define({
    group: 'networking.k8s.io',
    kind: 'Ingress',
    plural: 'ingresses',
    singular: 'ingress',
    namespaced: true,
    shortNames: ['ing'],
    hasStatus: true,
    countsGeneration: true,
    columns: [
      column('Class', (object) => textAt(object, 'spec', 'ingressClassName') || '<none>'),
      column(
        'Hosts',
        (object) =>
          listAt(object, 'spec', 'rules')
            .map((rule) => textAt(rule, 'host') || '*')
            .join(',') || '*',
      ),
      column('Address', () => ''),
      column('Ports', (object) => (listAt(object, 'spec', 'tls').length > 0 ? '80, 443' : '80')),
    ],
  }),
  define({
    group: 'networking.k8s.io',
    kind: 'IngressClass',
    plural: 'ingressclasses',
    singular: 'ingressclass',
    namespaced: false,
    columns: [column('Controller', (object) => textAt(object, 'spec', 'controller'))],
  }),
  define({
    group: 'policy',
    kind: 'PodDisruptionBudget',
    plural: 'poddisruptionbudgets',
    namespaced: true,
    shortNames: ['pdb'],
    hasStatus: true,
    countsGeneration: true,
    columns: [
      column('Min Available', (object) => numberOrText(at(object, 'spec', 'minAvailable'))),
      column('Max Unavailable', (object) => numberOrText(at(object, 'spec', 'maxUnavailable'))),
      column('Allowed Disruptions', (object) => numberAt(object, 'status', 'disruptionsAllowed'), {
        type: 'integer',
      }),
    ],
  }),
]
