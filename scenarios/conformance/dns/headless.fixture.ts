import type { Fixture, KubeObject } from '../../../harness/api.ts'
import { byHand, byHandInSlices } from '../support/by-hand.ts'
import { service, type EndpointInit } from '../support/objects.ts'
import { headless, newest } from './newest.ts'

/** `count` addresses of one /24, from `.1` on. */
export function addresses(net: number, count: number, from = 1): readonly string[] {
  return Array.from({ length: count }, (_, at) => `10.211.${net}.${from + at}`)
}

function endpoints(all: readonly string[]): readonly EndpointInit[] {
  return all.map((address) => ({ addresses: [address] }))
}

/** Endpoints of `pets`, by hostname; two share one, two have none. */
export const pets = {
  rex: ['10.211.10.1'],
  tom: ['10.211.10.2'],
  '9-lives': ['10.211.10.3'],
  twins: ['10.211.10.4', '10.211.10.5'],
} as const

export const nameless = ['10.211.10.8', '10.211.10.9'] as const

/** Of `mixed`: the first two are ready, the third has a hostname and is not. */
export const mixed = { ready: ['10.211.20.1', '10.211.20.2'], unready: '10.211.20.3' } as const

/** Address of the endpoint `both`, in the Services `left` and `right`. */
export const shared = '10.211.40.1'

/** Sizes of the Services `size-N`. */
export const sizes = [1, 3, 50] as const

/** Endpoints of `slices`, spread over three EndpointSlices; the last of each is in the next one as well. */
export const manySlices: readonly (readonly string[])[] = [
  addresses(101, 51),
  [...addresses(102, 50), '10.211.101.51'],
  [...addresses(103, 49), '10.211.102.50'],
]

/** The Service with two named ports and three ready endpoints, two of which have hostnames. */
export const portsOfEndpoints = {
  service: 'ports',
  owners: ['_web._tcp', '_stats._udp'],
  ports: { service: 80, endpoint: 8080 },
  endpoints: ['10.211.30.1', '10.211.30.2', '10.211.30.3'],
  hostnames: ['one', 'two'],
  nameless: ['10.211.30.3'],
} as const

function twoPorts(): readonly KubeObject[] {
  const { service: name, ports, endpoints: all, hostnames } = portsOfEndpoints
  return [
    service(
      name,
      [
        { name: 'web', port: ports.service, targetPort: ports.endpoint },
        { name: 'stats', port: 81, targetPort: 8081, protocol: 'UDP' },
      ],
      { clusterIP: 'None', selector: undefined },
    ),
    ...byHand(
      name,
      all.map((address, at) => {
        const hostname = hostnames[at]
        return { addresses: [address], ...(hostname !== undefined && { hostname }) }
      }),
      [
        { name: 'web', port: ports.endpoint },
        { name: 'stats', port: 8081, protocol: 'UDP' },
      ],
    ),
  ]
}

/** Headless Services with endpoints made by hand: no pod is needed, and every shape can be had. */
export const headlessServices: Fixture = {
  id: 'dns-headless',
  manifests: () => [
    ...sizes.flatMap((size) => [
      headless(`size-${size}`),
      ...byHand(`size-${size}`, endpoints(addresses(size, size)), []),
    ]),
    headless('pets'),
    ...byHand(
      'pets',
      [
        ...Object.entries(pets).flatMap(([hostname, all]) =>
          all.map((address) => ({ addresses: [address], hostname })),
        ),
        ...endpoints(nameless),
      ],
      [],
    ),
    ...twoPorts(),
    headless('mixed'),
    ...byHand(
      'mixed',
      [...endpoints(mixed.ready), { addresses: [mixed.unready], ready: false, hostname: 'late' }],
      [],
    ),
    headless('unready'),
    ...byHand(
      'unready',
      [
        { addresses: ['10.211.21.1'], ready: false },
        { addresses: ['10.211.21.2'], ready: false },
      ],
      [],
    ),
    headless('slices'),
    ...byHandInSlices(
      'slices',
      manySlices.map((some) => ({ endpoints: endpoints(some), ports: [] })),
    ),
    ...(['left', 'right'] as const).flatMap((side) => [
      headless(side),
      ...byHand(side, [{ addresses: [shared], hostname: 'both' }], []),
    ]),
    ...newest(),
  ],
}
