import { endpoints, endpointSlices, namespaces, services } from '../../kube/types.ts'
import { formatAddress, parseCidr } from '../topology.ts'
import { type ControllerContext, createOnce } from './context.ts'

export interface BootstrapInit {
  readonly serviceCidr: string
  /** Where the API is, for the endpoints of the Service `kubernetes`. */
  readonly apiAddress: string
  readonly apiPort: number
  /** Whether the API server makes them by itself, as kube-apiserver does. */
  readonly madeByServer?: boolean
}

/** How long kube-apiserver may take for the Service `kubernetes` after it said that it is ready. */
const byServerMs = 30_000

/**
 * Sees to what every cluster has from the start: its namespaces and the Service `kubernetes`. kube-apiserver makes them
 * by itself, a moment after it is ready; then they are only awaited, because two makers would quarrel for 10.96.0.1.
 */
export async function bootstrap(context: ControllerContext, init: BootstrapInit): Promise<void> {
  await (init.madeByServer === true ? awaitService(context) : create(context, init))
}

async function awaitService({ client, signal }: ControllerContext): Promise<void> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(byServerMs)])
  const scope = { namespace: 'default', fieldSelector: 'metadata.name=kubernetes' }
  for await (const { type } of client.watch(services, { ...scope, signal: bounded }))
    if (type === 'ADDED' || type === 'MODIFIED') return
}

async function create(context: ControllerContext, init: BootstrapInit): Promise<void> {
  await Promise.all(
    ['default', 'kube-system', 'kube-public', 'kube-node-lease'].map((name) =>
      createOnce(context, namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }),
    ),
  )
  const [base = 0] = parseCidr(init.serviceCidr) ?? []
  const clusterIP = formatAddress(base + 1)
  const labels = { component: 'apiserver', provider: 'kubernetes' }
  const metadata = { name: 'kubernetes', namespace: 'default', labels }
  await createOnce(context, services, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: {
      type: 'ClusterIP',
      clusterIP,
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: init.apiPort }],
    },
  })
  const port = { name: 'https', port: init.apiPort, protocol: 'TCP' }
  await createOnce(context, endpoints, {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      ...metadata,
      labels: { ...labels, 'endpointslice.kubernetes.io/skip-mirror': 'true' },
    },
    subsets: [{ addresses: [{ ip: init.apiAddress }], ports: [port] }],
  })
  await createOnce(context, endpointSlices, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...metadata, labels: { ...labels, 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4',
    endpoints: [
      {
        addresses: [init.apiAddress],
        conditions: { ready: true, serving: true, terminating: false },
      },
    ],
    ports: [port],
  })
}
