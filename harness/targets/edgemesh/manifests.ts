import type { KubeObject } from '../../model/kubernetes.ts'

/** Where EdgeMesh's own manifests put it. */
export const namespace = 'kubeedge'

/** Name of the DaemonSet and of everything that belongs to it. */
export const agentName = 'edgemesh-agent'

/** What the agent of EdgeMesh ships with (v1.17): it halves its throughput, so results say it. */
export const shippedResources = {
  limits: { cpu: '200m', memory: '256Mi' },
  requests: { cpu: '100m', memory: '128Mi' },
} as const

export interface EdgeMeshManifestsInit {
  readonly image: string
  readonly resources: 'shipped' | 'none'
  /** The agents' common secret; without one there is no tunnel. */
  readonly psk: string
  /** `host:port` of the Kubernetes API that works before any Service does. */
  readonly apiServer: { readonly host: string; readonly port: string }
}

const labels = { 'k8s-app': 'kubeedge', kubeedge: agentName }

/**
 * EdgeMesh's agents as its guide deploys them by hand (edgemesh.netlify.app/guide/): Istio's CRDs, rights,
 * configuration, secret, DaemonSet. Its DNS is switched on, because inside a cluster it takes itself for a cloud node
 * and leaves it off.
 */
export function edgeMeshManifests(init: EdgeMeshManifestsInit): readonly KubeObject[] {
  return [
    ...istioTypes.map(definition),
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: meta(agentName) },
    ...rights,
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: meta(`${agentName}-cfg`),
      data: configuration,
    },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: meta(`${agentName}-psk`),
      stringData: { psk: init.psk },
    },
    daemonSet(init),
  ]
}

function meta(name: string): KubeObject['metadata'] {
  return { name, namespace, labels }
}

/** Its informers never sync without these. */
const istioTypes: readonly (readonly [kind: string, plural: string])[] = [
  ['DestinationRule', 'destinationrules'],
  ['Gateway', 'gateways'],
  ['VirtualService', 'virtualservices'],
]

const istioGroup = 'networking.istio.io'

function definition([kind, plural]: readonly [string, string]): KubeObject {
  const schema = {
    openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${istioGroup}` },
    spec: {
      group: istioGroup,
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
      scope: 'Namespaced',
      versions: [
        { name: 'v1alpha3', served: true, storage: true, schema },
        { name: 'v1beta1', served: true, storage: false, schema },
      ],
    },
  }
}

const rbac = 'rbac.authorization.k8s.io'
const readOnly = ['get', 'list', 'watch']

const rights: readonly KubeObject[] = [
  {
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRole',
    metadata: { name: agentName, labels },
    rules: [
      {
        apiGroups: [''],
        resources: ['pods', 'services', 'endpoints', 'namespaces'],
        verbs: readOnly,
      },
      { apiGroups: [istioGroup], resources: ['*'], verbs: readOnly },
    ],
  },
  {
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: agentName, labels },
    roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: agentName },
    subjects: [{ kind: 'ServiceAccount', name: agentName, namespace }],
  },
]

const configuration = {
  'edgemesh-agent.yaml': [
    'modules:',
    '  edgeDNS:',
    '    enable: true',
    '  edgeProxy:',
    '    enable: true',
    '  edgeTunnel:',
    '    enable: true',
    '',
  ].join('\n'),
}

function daemonSet({ image, resources, apiServer }: EdgeMeshManifestsInit): KubeObject {
  const fromField = (name: string, fieldPath: string): object => ({
    name,
    valueFrom: { fieldRef: { fieldPath } },
  })
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: meta(agentName),
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          hostNetwork: true,
          dnsPolicy: 'Default',
          serviceAccountName: agentName,
          // why: a cluster of ours may taint its edge nodes as KubeEdge does
          tolerations: [{ key: 'node-role.kubernetes.io/edge', operator: 'Exists' }],
          terminationGracePeriodSeconds: 5,
          containers: [
            {
              name: agentName,
              image,
              imagePullPolicy: 'IfNotPresent',
              securityContext: { privileged: true },
              env: [
                fromField('NODE_NAME', 'spec.nodeName'),
                fromField('NAMESPACE', 'metadata.namespace'),
                // why: the ClusterIP of the API works only when somebody serves it
                { name: 'KUBERNETES_SERVICE_HOST', value: apiServer.host },
                { name: 'KUBERNETES_SERVICE_PORT', value: apiServer.port },
              ],
              ...(resources === 'shipped' && { resources: shippedResources }),
              volumeMounts: [
                { name: 'conf', mountPath: '/etc/edgemesh/config' },
                { name: 'resolv', mountPath: '/etc/resolv.conf' },
                { name: 'psk', mountPath: '/etc/edgemesh' },
              ],
            },
          ],
          volumes: [
            { name: 'conf', configMap: { name: `${agentName}-cfg` } },
            { name: 'resolv', hostPath: { path: '/etc/resolv.conf' } },
            { name: 'psk', secret: { secretName: `${agentName}-psk` } },
          ],
        },
      },
    },
  }
}
