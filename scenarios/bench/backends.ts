import type { ExperimentContext, KubeObject } from '../../harness/api.ts'
import { eventually } from '../eventually.ts'
import { namespaceOf } from '../manifests.ts'
import { part } from '../walkthrough/facts.ts'

/** Ports on which a backend of ours listens (harness/backends). */
export const backendPorts: Readonly<Record<'http' | 'tcp' | 'udp', number>> = {
  http: 8080,
  tcp: 8081,
  udp: 8083,
}

/** A backend of ours and where it is. */
export interface BackendPod {
  readonly name: string
  readonly ip: string
}

/** What it takes to run some. */
export type BackendsContext = Pick<
  ExperimentContext,
  'cluster' | 'signal' | 'apply' | 'backendImage'
>

/** Pulling nothing, but perhaps unpacking an image on a slow edge node. */
const readyMs = 120_000

/** Runs backends of ours on a node, and waits until they serve. They are removed with the experiment. */
export async function backendPods(
  context: BackendsContext,
  names: readonly string[],
  node: string,
): Promise<readonly BackendPod[]> {
  const image = await context.backendImage()
  const namespace = namespaceOf(context)
  await context.apply(names.map((name) => backendPod(name, { image, namespace, node })))
  const { kube } = context.cluster
  const type = await kube.typeOf({ apiVersion: 'v1', kind: 'Pod' }, context)
  const { accepted, seen } = await eventually(
    () => Promise.all(names.map((name) => kube.get(type, { namespace, name }, context))),
    (pods) => pods.every((pod) => pod !== undefined && isReady(pod)),
    { withinMs: readyMs, signal: context.signal },
  )
  if (!accepted)
    throw new Error(
      `of the backends ${names.join(', ')} on ${node} not all were Ready after ${readyMs / 1000} s; their image is ${image}`,
    )
  return seen.flatMap((pod) => {
    if (pod === undefined) return []
    const { podIP = '' } = part<{ podIP?: string }>(pod, 'status')
    return [{ name: pod.metadata.name, ip: podIP }]
  })
}

function isReady(pod: KubeObject): boolean {
  const { conditions = [] } = part<{
    conditions?: readonly { type: string; status: string }[]
  }>(pod, 'status')
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
}

function backendPod(
  name: string,
  { image, namespace, node }: { image: string; namespace: string; node: string },
): KubeObject {
  const variable = (key: string, fieldPath: string): object => ({
    name: key,
    valueFrom: { fieldRef: { fieldPath } },
  })
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 1,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      tolerations: [{ operator: 'Exists' }],
      nodeSelector: { 'kubernetes.io/hostname': node },
      containers: [
        {
          name: 'backend',
          image,
          imagePullPolicy: 'IfNotPresent',
          args: Object.entries(backendPorts).flatMap(([way, port]) => [`--${way}`, String(port)]),
          env: [
            variable('POD_NAME', 'metadata.name'),
            variable('POD_IP', 'status.podIP'),
            variable('NODE_NAME', 'spec.nodeName'),
          ],
          readinessProbe: { tcpSocket: { port: backendPorts.tcp }, periodSeconds: 1 },
        },
      ],
    },
  }
}

interface ServicePort {
  readonly name: string
  readonly port: number
  readonly targetPort: number
  readonly protocol: 'TCP' | 'UDP'
}

/** Ports of Services before backends of ours: the L7 way, the L4 way to a line and to HTTP, UDP. */
export const backendServicePorts: Readonly<Record<'http' | 'tcp' | 'raw' | 'udp', number>> = {
  http: 80,
  tcp: 81,
  raw: 84,
  udp: 83,
}

/** The ports of Services before backends of ours: `http-0` is the L7 way, `raw` the same server by the L4 way. */
export const servicePorts: readonly ServicePort[] = [
  {
    name: 'http-0',
    port: backendServicePorts.http,
    targetPort: backendPorts.http,
    protocol: 'TCP',
  },
  { name: 'tcp-0', port: backendServicePorts.tcp, targetPort: backendPorts.tcp, protocol: 'TCP' },
  { name: 'raw', port: backendServicePorts.raw, targetPort: backendPorts.http, protocol: 'TCP' },
  { name: 'udp-0', port: backendServicePorts.udp, targetPort: backendPorts.udp, protocol: 'UDP' },
]

/** A Service without a selector: its endpoints are what we write, so that no controller is measured. */
export function bareService(name: string, namespace: string, isHeadless = false): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { type: 'ClusterIP', ...(isHeadless && { clusterIP: 'None' }), ports: servicePorts },
  }
}

/** Its one EndpointSlice. */
export function sliceOf(
  service: string,
  namespace: string,
  pods: readonly BackendPod[],
): KubeObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${service}-a`,
      namespace,
      labels: {
        'kubernetes.io/service-name': service,
        'endpointslice.kubernetes.io/managed-by': 'meshmark',
      },
    },
    addressType: 'IPv4',
    endpoints: endpointsOf(pods),
    ports: servicePorts.map(({ name, targetPort, protocol }) => ({
      name,
      port: targetPort,
      protocol,
    })),
  }
}

/** What stands in its `endpoints`. */
export function endpointsOf(pods: readonly BackendPod[]): readonly object[] {
  return pods.map(({ ip }) => ({
    addresses: [ip],
    conditions: { ready: true, serving: true, terminating: false },
  }))
}

/** The address that the API gave a Service. */
export async function clusterIpOf(
  context: Pick<ExperimentContext, 'cluster' | 'signal'>,
  name: string,
): Promise<string> {
  const { kube } = context.cluster
  const type = await kube.typeOf({ apiVersion: 'v1', kind: 'Service' }, context)
  const found = await kube.get(type, { namespace: namespaceOf(context), name }, context)
  const { clusterIP = '' } = found === undefined ? {} : part<{ clusterIP?: string }>(found, 'spec')
  if (clusterIP === '') throw new Error(`the Service ${name} has no ClusterIP`)
  return clusterIP
}
