import type { Mutant } from '../../../model/mutant.ts'

const zone = 'dns/zone.js'
const records = 'dns/records.js'
const pointers = 'dns/pointers.js'
const alias = 'dns/alias.js'
const view = 'kube/service-view.js'

/** Faults of pointers, of names of endpoints, and of aliases. */
export const dnsEndpointMutants: readonly Mutant[] = [
  {
    id: 'dns-no-pointer',
    title: 'ClusterIPs have no PTR record',
    changes: [
      {
        file: pointers,
        find: 'for (const address of service.clusterIps)',
        replace: 'for (const address of [])',
      },
    ],
    kills: ['DNS-PTR-001'],
  },
  {
    id: 'dns-no-pointer-of-endpoint',
    title: 'endpoints have no PTR record',
    changes: [{ file: pointers, find: 'if (!service.isHeadless)', replace: 'if (true)' }],
    kills: ['DNS-PTR-003', 'DNS-PTR-006'],
  },
  {
    id: 'dns-owns-every-address',
    title: 'PTR queries for other addresses are not forwarded',
    changes: [
      {
        file: zone,
        find: 'const targets = this.#pointers.get(address);',
        replace:
          'const targets = this.#pointers.get(address); if (targets === undefined) return this.#negative(responseCode.NXDOMAIN);',
      },
    ],
    kills: ['DNS-PTR-005'],
  },
  {
    id: 'dns-forty-endpoints',
    title: 'only the first forty endpoints are listed',
    changes: [
      {
        file: records,
        find: 'service.endpoints.filter((endpoint) => isListed(service, endpoint))',
        replace: 'service.endpoints.filter((endpoint) => isListed(service, endpoint)).slice(0, 40)',
      },
    ],
    kills: ['DNS-HDL-001', 'DNS-HDL-010'],
  },
  {
    id: 'dns-unready-listed',
    title: 'endpoints that are not ready are listed',
    changes: [
      {
        file: records,
        find: 'return ready || service.publishNotReadyAddresses',
        replace: 'return true',
      },
    ],
    kills: ['DNS-HDL-002', 'DNS-HDL-003', 'DNS-PTR-004', 'DNSF-006'],
  },
  {
    id: 'dns-unpublished',
    title: 'publishNotReadyAddresses hides what it is to publish',
    changes: [
      {
        file: records,
        find: 'return ready || service.publishNotReadyAddresses',
        replace: 'return ready && !service.publishNotReadyAddresses',
      },
    ],
    kills: ['DNS-PNR-001', 'DNS-PNR-002'],
  },
  {
    id: 'dns-no-hostnames',
    title: 'endpoints are not named by their hostnames',
    changes: [
      { file: records, find: 'return hostname?.toLowerCase() ?? dashed', replace: 'return dashed' },
    ],
    kills: ['DNS-HDL-004', 'DNS-HDL-008'],
  },
  {
    id: 'dns-one-per-hostname',
    title: 'of endpoints with one hostname the first alone has the name',
    changes: [
      {
        file: records,
        find: 'else if (!known.includes(endpoint.address))',
        replace: 'else if (false)',
      },
    ],
    kills: ['DNS-HDL-005'],
  },
  {
    id: 'dns-no-name-without-hostname',
    title: 'names made of addresses do not resolve',
    changes: [
      {
        file: zone,
        find: 'const addresses = endpointNames(service).get(label);',
        replace:
          'const addresses = endpointNames(service).get(/^\\d+-\\d+-/.test(label) ? "" : label);',
      },
    ],
    kills: ['DNS-HDL-006'],
  },
  {
    id: 'dns-every-hostname-exists',
    title: 'any hostname below a headless Service exists',
    changes: [
      {
        file: zone,
        find: 'const addresses = endpointNames(service).get(label);',
        replace: 'const addresses = endpointNames(service).get(label) ?? [];',
      },
    ],
    kills: ['DNS-HDL-007'],
  },
  {
    id: 'dns-headless-needs-port',
    title: 'a headless Service without ports has no name',
    changes: [
      {
        file: zone,
        find: 'service.isHeadless && listedEndpoints(service).length === 0',
        replace:
          'service.isHeadless && (service.ports.length === 0 || listedEndpoints(service).length === 0)',
      },
    ],
    kills: ['DNS-HDL-009'],
  },
  {
    id: 'dns-generated-slices-only',
    title: 'EndpointSlices that no controller made are not read',
    changes: [
      {
        file: view,
        find: 'const ordered = [...slices]',
        replace: 'const ordered = [...slices].filter((one) => !/-[a-z0-3]$/.test(one.name))',
      },
    ],
    kills: ['DNS-HDL-011'],
  },
  {
    id: 'dns-alias-to-itself',
    title: 'an ExternalName Service is an alias of itself',
    changes: [
      {
        file: zone,
        find: "this.#record(name, { type: 'CNAME', target: node.alias })",
        replace: "this.#record(name, { type: 'CNAME', target: name })",
      },
    ],
    kills: ['DNS-EXT-001', 'DNS-EXT-004'],
  },
  {
    id: 'dns-alias-not-followed',
    title: 'an alias is told and not followed',
    changes: [
      {
        file: alias,
        find: 'if (type === recordType.CNAME || type === recordType.ANY)',
        replace: 'if (true)',
      },
    ],
    kills: ['DNS-EXT-002', 'DNS-EXT-006', 'DNS-EXT-007'],
  },
  {
    id: 'dns-alias-last',
    title: 'the CNAME comes after what it leads to',
    changes: [
      {
        file: alias,
        find: 'answers: [...answers, ...(rest.answers ?? [])]',
        replace: 'answers: [...(rest.answers ?? []), ...answers]',
      },
    ],
    kills: ['DNS-EXT-003'],
  },
  {
    id: 'dns-alias-below',
    title: 'every name below an ExternalName Service is an alias, too',
    changes: [
      {
        file: zone,
        find: 'if (labels.length > 0 || service.externalName === undefined)',
        replace: 'if (service.externalName === undefined)',
      },
    ],
    kills: ['DNS-EXT-005'],
  },
]
