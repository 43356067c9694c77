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
]
