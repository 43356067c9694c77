import type { Mutant } from '../../../model/mutant.ts'

const zone = 'dns/zone.js'

/** Faults of the name server's records. */
export const dnsMutants: readonly Mutant[] = [
  {
    id: 'dns-no-soa',
    title: 'negative answers without the SOA of the zone',
    changes: [
      {
        file: zone,
        find: 'answers: [], authority: [soa], additional: []',
        replace: 'answers: [], authority: [], additional: []',
      },
    ],
    kills: ['DNSP-NEG-001', 'DNSP-NEG-002', 'DNS-AAAA-002'],
  },
  {
    id: 'dns-nxdomain-for-service',
    title: 'a Service without endpoints does not exist',
    changes: [
      {
        file: zone,
        find: 'service.isHeadless && listedEndpoints(service).length === 0',
        replace: 'listedEndpoints(service).length === 0',
      },
    ],
    kills: ['DNS-A-002'],
  },
  {
    id: 'dns-usual-domain-only',
    title: "the zone is cluster.local, whatever the cluster's domain is",
    changes: [
      {
        file: 'dns/name-server.js',
        find: 'domain: config.clusterDomain,',
        replace: "domain: 'cluster.local',",
      },
    ],
    kills: ['DNS-A-005'],
  },
  {
    id: 'dns-usual-domain-too',
    title: "names are served below cluster.local, too, where the cluster's domain is another one",
    changes: [
      {
        file: zone,
        find: 'if (!endsWith(name, this.#domain))',
        replace:
          "if (!endsWith(name, this.#domain) && endsWith(name, ['cluster', 'local'])) return this.lookUp([...name.slice(0, -2), ...this.#domain], type); if (!endsWith(name, this.#domain))",
      },
    ],
    kills: ['DNS-A-005'],
  },
  {
    id: 'dns-filtered-has-no-name',
    title: 'a Service with the label that leaves it to others has no name',
    changes: [
      {
        file: zone,
        find: 'if (service === undefined)',
        replace:
          "if (service === undefined || service.labels['service.edgemesh.kubeedge.io/service-proxy-name'] !== undefined)",
      },
    ],
    kills: ['DNS-A-008'],
  },
]
