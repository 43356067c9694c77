import type { FixtureScene, KubeObject } from '../../../harness/api.ts'

/** Ports on which every backend of ours listens (harness/backends): one for each way to speak. */
export const ports = {
  /** HTTP/1.1; `/` tells who answers and what arrived. */
  http: 8080,
  /** The server speaks first: one line that says who it is; then echoes. */
  tcp: 8081,
  /** The client speaks first: a command line (`echo`, `sink`, `source N`, ...). */
  command: 8082,
  udp: 8083,
  /** Readiness, what was seen, how to behave; asked by pod address, never through a Service. */
  control: 8090,
} as const

export interface BackendInit {
  readonly name: string
  readonly image: string
  /** `app: <name>` unless told. */
  readonly labels?: Readonly<Record<string, string>>
  /** Name of the node it has to run on. */
  readonly node?: string
  /** More arguments of the backend program. */
  readonly args?: readonly string[]
  /** More environment variables of the container. */
  readonly env?: Readonly<Record<string, string>>
  /** More of the pod's spec: hostname, subdomain, hostNetwork ... */
  readonly spec?: Readonly<Record<string, unknown>>
  /** More of the container: ports with hostPort, lifecycle, resources ... */
  readonly container?: Readonly<Record<string, unknown>>
}

/** A pod with one backend. It is Ready when it serves, and can be made unready through its control port. */
export function backendPod(init: BackendInit): KubeObject {
  const { name, labels = { app: name } } = init
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: backendSpec(init),
  }
}

/** A Deployment of backends. */
export function backendDeployment(init: BackendInit & { readonly replicas: number }): KubeObject {
  const { name, replicas, labels = { app: name } } = init
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: backendSpec(init) },
    },
  }
}

function backendSpec({ image, node, args = [], env = {}, spec, container }: BackendInit): object {
  const listen = Object.entries(ports).flatMap(([way, port]) => [`--${way}`, String(port)])
  return {
    terminationGracePeriodSeconds: 1,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    tolerations: [{ operator: 'Exists' }],
    ...(node !== undefined && { nodeSelector: { 'kubernetes.io/hostname': node } }),
    ...spec,
    containers: [
      {
        name: 'backend',
        image,
        imagePullPolicy: 'IfNotPresent',
        args: [...listen, ...args],
        env: [
          { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
          { name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
          ...Object.entries(env).map(([key, value]) => ({ name: key, value })),
        ],
        readinessProbe: {
          httpGet: { path: '/readyz', port: ports.control },
          periodSeconds: 1,
          failureThreshold: 1,
          // why: a slow answer of a busy machine is not unready; only a 503 is
          timeoutSeconds: 30,
        },
        ...container,
      },
    ],
  }
}

export interface ServicePort {
  readonly name?: string
  readonly port: number
  readonly targetPort?: number | string
  readonly protocol?: 'TCP' | 'UDP' | 'SCTP'
  readonly appProtocol?: string
  readonly nodePort?: number
}

/** A Service; ClusterIP unless `spec` says otherwise. */
export function service(
  name: string,
  servicePorts: readonly ServicePort[],
  spec: Readonly<Record<string, unknown>> = {},
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: {
      ...(!('selector' in spec) && { selector: { app: name } }),
      ports: servicePorts.map((port) => ({ protocol: 'TCP', ...port })),
      ...spec,
    },
  }
}

/** All the ways to speak to a backend, under the names that an EdgeMesh-kind target goes by: `http-0` is L7. */
export const everyPort: readonly ServicePort[] = [
  { name: 'http-0', port: 80, targetPort: ports.http },
  { name: 'tcp-0', port: 81, targetPort: ports.tcp },
  { name: 'command', port: 82, targetPort: ports.command },
  { name: 'raw', port: 84, targetPort: ports.http },
  { name: 'udp-0', port: 83, targetPort: ports.udp, protocol: 'UDP' },
]

/** One endpoint of a hand-made EndpointSlice. */
export interface EndpointInit {
  readonly addresses: readonly string[]
  readonly ready?: boolean
  readonly serving?: boolean
  readonly terminating?: boolean
  readonly hostname?: string
  readonly nodeName?: string
  readonly zone?: string
  /** Which zones and nodes shall use it; the controller writes this where trafficDistribution asks for it. */
  readonly hints?: {
    readonly forZones?: readonly { readonly name: string }[]
    readonly forNodes?: readonly { readonly name: string }[]
  }
}

/** A hand-made EndpointSlice of a Service; `suffix` tells several of one Service apart. */
export function endpointSlice(
  serviceName: string,
  endpoints: readonly EndpointInit[],
  slicePorts: readonly {
    readonly name?: string
    readonly port: number
    readonly protocol?: string
  }[],
  { suffix = 'a', addressType = 'IPv4' }: { suffix?: string; addressType?: string } = {},
): KubeObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${serviceName}-${suffix}`,
      labels: {
        'kubernetes.io/service-name': serviceName,
        'endpointslice.kubernetes.io/managed-by': 'meshmark',
      },
    },
    addressType,
    endpoints: endpoints.map(({ addresses, ready = true, serving, terminating, ...rest }) => ({
      addresses,
      conditions: {
        ready,
        ...(serving !== undefined && { serving }),
        ...(terminating !== undefined && { terminating }),
      },
      ...rest,
    })),
    ports: slicePorts.map((port) => ({ protocol: 'TCP', name: '', ...port })),
  }
}

/** Objects of a fixture that has `replicas` backends on each of the first nodes and one Service before them. */
export function backendsOnNodes(
  { nodes, backendImage }: Pick<FixtureScene, 'nodes' | 'backendImage'>,
  name: string,
  count: number,
): readonly KubeObject[] {
  return Array.from({ length: count }, (_, index) =>
    backendPod({
      name: `${name}-${index}`,
      image: backendImage,
      labels: { app: name },
      node: nodes[index % Math.min(nodes.length, 2)]?.name ?? '',
    }),
  )
}
