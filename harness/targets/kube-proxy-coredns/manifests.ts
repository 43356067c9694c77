import { stringify } from 'yaml'
import type { KubeObject } from '../../model/kubernetes.ts'
import type { Topology } from '../../model/topology.ts'

const namespace = 'kube-system'

export const kubeProxyImage = 'registry.k8s.io/kube-proxy'
export const coreDnsImage = 'registry.k8s.io/coredns/coredns'

export interface OwnPartsInit {
  readonly mode: 'iptables' | 'nftables'
  readonly topology: Topology
  /** URL of the Kubernetes API that works before any Service does. */
  readonly apiServer: string
  readonly kubeProxyVersion: string
  readonly coreDnsVersion: string
}

/** kube-proxy on every node and CoreDNS as a pod, configured as kubeadm does it (v1.34). */
export function ownParts(init: OwnPartsInit): readonly KubeObject[] {
  return [...kubeProxy(init), ...coreDns(init)]
}

const tolerations = [{ operator: 'Exists' }]

function account(name: string): KubeObject {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } }
}

function binding(name: string, role: string, serviceAccount: string): KubeObject {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ kind: 'ServiceAccount', name: serviceAccount, namespace }],
  }
}

function configMap(name: string, data: Readonly<Record<string, string>>): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data }
}

function kubeProxy(init: OwnPartsInit): readonly KubeObject[] {
  const { mode, topology, apiServer, kubeProxyVersion } = init
  const secrets = '/var/run/secrets/kubernetes.io/serviceaccount'
  const config = {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode,
    clusterCIDR: topology.podCidr,
    clientConnection: {
      kubeconfig: '/var/lib/kube-proxy/kubeconfig.conf',
      // why: our own API server writes no protobuf
      contentType: 'application/json',
    },
    // why: these are the whole machine's, not a node's
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    // why: kind and kubeadm leave a second between two changes; so is what users run
    iptables: { minSyncPeriod: '1s' },
    nftables: { minSyncPeriod: '1s' },
  }
  const access = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'default',
        cluster: { 'certificate-authority': `${secrets}/ca.crt`, server: apiServer },
      },
    ],
    users: [{ name: 'default', user: { tokenFile: `${secrets}/token` } }],
    contexts: [{ name: 'default', context: { cluster: 'default', user: 'default' } }],
    'current-context': 'default',
  }
  const labels = { 'k8s-app': 'kube-proxy' }
  return [
    account('kube-proxy'),
    binding('meshmark:node-proxier', 'system:node-proxier', 'kube-proxy'),
    configMap('kube-proxy', {
      'config.conf': stringify(config),
      'kubeconfig.conf': stringify(access),
    }),
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'kube-proxy', namespace, labels },
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            hostNetwork: true,
            serviceAccountName: 'kube-proxy',
            tolerations,
            terminationGracePeriodSeconds: 5,
            containers: [
              {
                name: 'kube-proxy',
                image: `${kubeProxyImage}:${kubeProxyVersion}`,
                args: [
                  '--config=/var/lib/kube-proxy/config.conf',
                  '--hostname-override=$(NODE_NAME)',
                ],
                env: [
                  { name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
                ],
                securityContext: { privileged: true },
                readinessProbe: {
                  httpGet: { path: '/healthz', port: 10_256, host: '127.0.0.1' },
                  periodSeconds: 1,
                },
                volumeMounts: [{ name: 'kube-proxy', mountPath: '/var/lib/kube-proxy' }],
              },
            ],
            volumes: [{ name: 'kube-proxy', configMap: { name: 'kube-proxy' } }],
          },
        },
      },
    },
  ]
}

/**
 * kubeadm's; without `forward` where a cluster of provider local has no name server outside, so other names do not
 * exist.
 */
function corefile({ clusterDomain, upstreamDns }: Topology): string {
  const isForwarding = upstreamDns !== undefined
  return [
    '.:53 {',
    '    errors',
    '    health {',
    '       lameduck 5s',
    '    }',
    '    ready',
    `    kubernetes ${clusterDomain} in-addr.arpa ip6.arpa {`,
    '       pods insecure',
    ...(isForwarding ? ['       fallthrough in-addr.arpa ip6.arpa'] : []),
    '       ttl 30',
    '    }',
    '    prometheus :9153',
    ...(isForwarding
      ? ['    forward . /etc/resolv.conf {', '       max_concurrent 1000', '    }']
      : []),
    '    cache 30 {',
    `       disable success ${clusterDomain}`,
    `       disable denial ${clusterDomain}`,
    '    }',
    '    loop',
    '    reload',
    '    loadbalance',
    '}',
    '',
  ].join('\n')
}

function coreDns({ topology, coreDnsVersion }: OwnPartsInit): readonly KubeObject[] {
  const labels = { 'k8s-app': 'kube-dns' }
  const rbac = 'rbac.authorization.k8s.io'
  return [
    account('coredns'),
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRole',
      metadata: { name: 'system:coredns' },
      rules: [
        {
          apiGroups: [''],
          resources: ['endpoints', 'services', 'pods', 'namespaces'],
          verbs: ['list', 'watch'],
        },
        {
          apiGroups: ['discovery.k8s.io'],
          resources: ['endpointslices'],
          verbs: ['list', 'watch'],
        },
      ],
    },
    binding('system:coredns', 'system:coredns', 'coredns'),
    configMap('coredns', { Corefile: corefile(topology) }),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'kube-dns', namespace, labels },
      spec: {
        clusterIP: topology.clusterDns,
        selector: labels,
        ports: [
          { name: 'dns', port: 53, protocol: 'UDP' },
          { name: 'dns-tcp', port: 53, protocol: 'TCP' },
        ],
      },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'coredns', namespace, labels },
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: 'coredns',
            dnsPolicy: 'Default',
            tolerations,
            // why: as on kind, where kubeadm schedules them before any other node is there
            nodeSelector: { 'kubernetes.io/os': 'linux' },
            terminationGracePeriodSeconds: 10,
            containers: [
              {
                name: 'coredns',
                image: `${coreDnsImage}:${coreDnsVersion}`,
                args: ['-conf', '/etc/coredns/Corefile'],
                readinessProbe: { httpGet: { path: '/ready', port: 8181 }, periodSeconds: 1 },
                volumeMounts: [{ name: 'config', mountPath: '/etc/coredns', readOnly: true }],
              },
            ],
            volumes: [{ name: 'config', configMap: { name: 'coredns' } }],
          },
        },
      },
    },
  ]
}
