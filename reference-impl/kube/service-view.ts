import type { ServiceRecord, SliceRecord } from './records.ts'
import type { EndpointView, PortEndpoint, ServicePortView, ServiceView } from './snapshot.ts'

/** A Service with the endpoints of all its slices, each address once per port. */
export function serviceView(service: ServiceRecord, slices: readonly SliceRecord[]): ServiceView {
  const ordered = [...slices].sort((a, b) => (a.name < b.name ? -1 : 1))
  return {
    ...service,
    ports: service.ports.map((port) => ({ ...port, endpoints: portEndpoints(port, ordered) })),
    endpoints: service.isHeadless ? allEndpoints(ordered) : [],
  }
}

/** Slices name ports as the Service does; the port number is the endpoint's own. */
function portEndpoints(
  { name, protocol, port }: Omit<ServicePortView, 'endpoints'>,
  slices: readonly SliceRecord[],
): readonly PortEndpoint[] {
  const found = new Map<string, PortEndpoint>()
  for (const slice of slices) {
    for (const slicePort of slice.ports) {
      if (slicePort.name !== name || slicePort.protocol !== protocol) continue
      for (const endpoint of slice.endpoints) {
        const one = { ...endpoint, port: slicePort.port ?? port }
        keepBest(found, `${one.address} ${one.port}`, one)
      }
    }
  }
  return [...found.values()]
}

function allEndpoints(slices: readonly SliceRecord[]): readonly EndpointView[] {
  const found = new Map<string, EndpointView>()
  for (const { endpoints } of slices)
    for (const endpoint of endpoints)
      keepBest(found, `${endpoint.address} ${endpoint.hostname ?? ''}`, endpoint)
  return [...found.values()]
}

/** While an endpoint moves from one slice to another it may be in both, for a moment with different conditions. */
function keepBest<T extends EndpointView>(found: Map<string, T>, key: string, endpoint: T): void {
  const known = found.get(key)
  if (known === undefined || (!known.ready && endpoint.ready)) found.set(key, endpoint)
}
