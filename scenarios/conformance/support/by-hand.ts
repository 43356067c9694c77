import type { KubeObject } from '../../../harness/api.ts'
import { type EndpointInit, endpointSlice } from './objects.ts'

export interface PortInit {
  readonly name?: string
  readonly port: number
  readonly protocol?: string
}

/** What one EndpointSlice holds. */
export interface SliceInit {
  readonly endpoints: readonly EndpointInit[]
  readonly ports: readonly PortInit[]
}

/**
 * Endpoints of a Service without selector, written by hand as Kubernetes' controllers write those of one with a selector:
 * as an EndpointSlice and as Endpoints. Data planes read one or the other; that a slice alone is enough is the matter of
 * rows of its own (L4-TCP-009, DNS-HDL-011), which take `endpointSlice`.
 */
export function byHand(
  serviceName: string,
  endpoints: readonly EndpointInit[],
  ports: readonly PortInit[],
): readonly KubeObject[] {
  return byHandInSlices(serviceName, [{ endpoints, ports }])
}

/** The same in several slices, and one object of Endpoints that says what all of them say. */
export function byHandInSlices(
  serviceName: string,
  slices: readonly SliceInit[],
): readonly KubeObject[] {
  return [
    ...slices.map(({ endpoints, ports }, index) =>
      endpointSlice(serviceName, endpoints, ports, { suffix: suffixOf(index) }),
    ),
    endpointsObject(serviceName, slices),
  ]
}

/** `a`, `b` ... `z`, `za`: the first is the suffix that `endpointSlice` takes by itself. */
function suffixOf(index: number): string {
  const letters = 26
  const rest = index - (letters - 1)
  return rest > 0 ? `z${suffixOf(rest - 1)}` : String.fromCharCode('a'.charCodeAt(0) + index)
}

/** Endpoints in their older form; what is terminating is not in it, as Kubernetes' own controller leaves it out. */
export function endpointsObject(serviceName: string, slices: readonly SliceInit[]): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      name: serviceName,
      // why: Kubernetes would make another slice of it
      labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' },
    },
    subsets: slices.flatMap(({ endpoints, ports }) => {
      const listed = endpoints.filter(({ terminating }) => terminating !== true)
      const ready = listed.filter((one) => one.ready !== false).map(addressOf)
      const notReady = listed.filter((one) => one.ready === false).map(addressOf)
      if (listed.length === 0) return []
      return [
        {
          ...(ready.length > 0 && { addresses: ready }),
          ...(notReady.length > 0 && { notReadyAddresses: notReady }),
          ...(ports.length > 0 && { ports: ports.map(portOf) }),
        },
      ]
    }),
  }
}

function addressOf({ addresses: [ip], hostname, nodeName }: EndpointInit): object {
  return {
    ip,
    ...(hostname !== undefined && { hostname }),
    ...(nodeName !== undefined && { nodeName }),
  }
}

function portOf({ name, port, protocol = 'TCP' }: PortInit): object {
  return { ...(name !== undefined && name !== '' && { name }), port, protocol }
}
