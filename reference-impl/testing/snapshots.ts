/** Snapshots for tests: Services with what the test is about, everything else as the API would default it. */
import type {
  EndpointView,
  PortEndpoint,
  ServicePortView,
  ServiceView,
  Snapshot,
} from '../kube/snapshot.ts'

export function snapshotOf(
  services: readonly ServiceView[],
  change: Partial<Snapshot> = {},
): Snapshot {
  return {
    version: 1,
    services: new Map(services.map((one) => [`${one.namespace}/${one.name}`, one])),
    namespaces: new Set(['default', ...services.map(({ namespace }) => namespace)]),
    node: { name: 'edge-node-a', addresses: ['192.168.50.1'], podCidrs: ['10.244.1.0/24'] },
    ...change,
  }
}

export function service(name: string, change: Partial<ServiceView> = {}): ServiceView {
  return {
    namespace: 'default',
    name,
    type: 'ClusterIP',
    clusterIps: ['10.96.0.10'],
    externalIps: [],
    isHeadless: false,
    publishNotReadyAddresses: false,
    internalTrafficPolicy: 'Cluster',
    externalTrafficPolicy: 'Cluster',
    labels: {},
    annotations: {},
    ports: [],
    endpoints: [],
    ...change,
  }
}

export function port(
  name: string,
  number: number,
  change: Partial<ServicePortView> = {},
): ServicePortView {
  return { name, protocol: 'TCP', port: number, endpoints: [], ...change }
}

export function endpoint(address: string, change: Partial<EndpointView> = {}): EndpointView {
  const ready = change.ready ?? true
  return { address, ready, serving: ready, terminating: false, ...change }
}

/** A headless Service whose endpoints all have the same ports. */
export function headless(
  name: string,
  endpoints: readonly EndpointView[],
  ports: readonly ServicePortView[] = [],
  change: Partial<ServiceView> = {},
): ServiceView {
  const withEndpoints = ports.map((one) => ({
    ...one,
    endpoints: endpoints.map((view): PortEndpoint => ({ ...view, port: one.port })),
  }))
  return service(name, {
    clusterIps: [],
    isHeadless: true,
    endpoints,
    ports: withEndpoints,
    ...change,
  })
}
