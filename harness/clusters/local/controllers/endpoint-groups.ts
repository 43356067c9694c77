import type { Informer } from '../../kube/informer.ts'
import type { Service, ServicePort } from './endpoints.ts'
import { isReady, type Node, type Pod } from './objects.ts'

/** Endpoints that share their port numbers: what becomes one or more slices, or one subset. */
export interface EndpointGroup {
  readonly ports: readonly GroupPort[]
  readonly endpoints: readonly Endpoint[]
}

export interface GroupPort {
  readonly name: string
  readonly port: number
  readonly protocol: string
  readonly appProtocol?: string
}

export interface Endpoint {
  readonly addresses: readonly string[]
  readonly conditions: {
    readonly ready: boolean
    readonly serving: boolean
    readonly terminating: boolean
  }
  readonly hostname?: string
  readonly nodeName?: string
  readonly zone?: string
  readonly targetRef?: object
}

/** Works out the endpoints of a Service from the pods it selects; a named targetPort may differ from pod to pod. */
export function endpointGroups(
  service: Service,
  selected: readonly Pod[],
  nodes: Informer<Node>,
): readonly EndpointGroup[] {
  const groups = new Map<string, { ports: readonly GroupPort[]; endpoints: Endpoint[] }>()
  const inOrder = [...selected].sort((a, b) => a.metadata.name.localeCompare(b.metadata.name))
  for (const pod of inOrder) {
    const endpoint = endpointOf(service, pod, nodes)
    if (endpoint === undefined) continue
    const ports = (service.spec.ports ?? []).flatMap((port) => resolvePort(port, pod))
    if (ports.length === 0 && (service.spec.ports ?? []).length > 0) continue
    const key = JSON.stringify(ports)
    const group = groups.get(key) ?? { ports, endpoints: [] }
    group.endpoints.push(endpoint)
    groups.set(key, group)
  }
  return [...groups.values()]
}

function endpointOf(service: Service, pod: Pod, nodes: Informer<Node>): Endpoint | undefined {
  const { status, spec, metadata } = pod
  const address = status?.podIP ?? ''
  if (address === '' || status?.phase === 'Succeeded' || status?.phase === 'Failed')
    return undefined
  const terminating = metadata.deletionTimestamp !== undefined
  const serving = isReady(pod)
  const published = service.spec.publishNotReadyAddresses === true
  const zone = nodes.get({ name: spec.nodeName ?? '' })?.metadata.labels?.[
    'topology.kubernetes.io/zone'
  ]
  const isNamed = spec.hostname !== undefined && spec.subdomain === service.metadata.name
  return {
    addresses: [address],
    conditions: {
      ready: published || (serving && !terminating),
      serving: published || serving,
      terminating,
    },
    ...(isNamed && spec.hostname !== undefined && { hostname: spec.hostname }),
    ...(spec.nodeName !== undefined && { nodeName: spec.nodeName }),
    ...(zone !== undefined && { zone }),
    targetRef: {
      kind: 'Pod',
      namespace: metadata.namespace,
      name: metadata.name,
      uid: metadata.uid,
    },
  }
}

function resolvePort(
  { name = '', protocol = 'TCP', port, targetPort = port, appProtocol }: ServicePort,
  pod: Pod,
): readonly GroupPort[] {
  const number =
    typeof targetPort === 'number'
      ? targetPort
      : (pod.spec.containers ?? [])
          .flatMap(({ ports = [] }) => ports)
          .find((one) => one.name === targetPort && (one.protocol ?? 'TCP') === protocol)
          ?.containerPort
  if (number === undefined) return []
  return [{ name, port: number, protocol, ...(appProtocol !== undefined && { appProtocol }) }]
}
