import type { Mutant } from '../../../model/mutant.ts'

const zone = 'dns/zone.js'
const records = 'dns/records.js'
const responder = 'dns/responder.js'

/** Faults of names and SRV records of Services, and of the zone. */
export const dnsServiceMutants: readonly Mutant[] = [
  {
    id: 'dns-other-address',
    title: 'names have the ClusterIP with another last octet',
    changes: [
      {
        file: records,
        find: ': service.clusterIps;',
        replace: ": service.clusterIps.map((ip) => ip.replace(/\\d+$/, '0'));",
      },
    ],
    kills: ['DNS-A-001', 'DNS-A-004', 'DNS-A-006', 'DNS-A-007', 'DNS-A-010'],
  },
  {
    id: 'dns-any-namespace',
    title: 'the namespace of a name is not looked at',
    changes: [
      {
        file: zone,
        find: 'this.#snapshot.services.get(`${namespace}/${name}`)',
        replace: '[...this.#snapshot.services.values()].find((one) => one.name === name)',
      },
    ],
    kills: ['DNS-A-003', 'DNS-ZON-003'],
  },
  {
    id: 'dns-foreign-owner',
    title: 'records are owned by another name than the one asked for',
    changes: [
      {
        file: zone,
        find: 'data.map((one) => this.#record(name, one))',
        replace: "data.map((one) => this.#record(['other', ...name], one))",
      },
    ],
    kills: ['DNS-A-009'],
  },
  {
    id: 'dns-nodata-for-nothing',
    title: 'a Service that does not exist has a name without records',
    changes: [
      {
        file: zone,
        find: 'const service = this.#snapshot.services.get(`${namespace}/${name}`);',
        replace:
          'const service = this.#snapshot.services.get(`${namespace}/${name}`); if (service === undefined) return empty;',
      },
    ],
    kills: ['DNS-SRV-011', 'DNSF-003'],
  },
  {
    id: 'dns-no-empty-namespace',
    title: 'a namespace is no name of its own',
    changes: [
      {
        file: zone,
        find: "if (last === 'svc')",
        replace: "if (last === 'svc' && rest.length === 0) return missing; if (last === 'svc')",
      },
    ],
    kills: ['DNS-ZON-002'],
  },
  {
    id: 'dns-old-schema',
    title: 'the schema version has two numbers',
    changes: [
      { file: zone, find: "const schemaVersion = '1.1.0'", replace: "const schemaVersion = '1.1'" },
    ],
    kills: ['DNS-VER-001'],
  },
  {
    id: 'dns-serial-falls',
    title: 'the serial of the SOA falls with each change',
    changes: [
      {
        file: responder,
        find: 'Math.max(this.#serial + 1, Math.floor(Date.now() / 1000))',
        replace: 'Math.floor(4e9 - performance.now())',
      },
    ],
    kills: ['DNS-ZON-001'],
  },
  {
    id: 'dns-srv-port-off',
    title: 'SRV records have the port after the right one',
    changes: [
      {
        file: records,
        find: 'weight: 100, port, target: owner',
        replace: 'weight: 100, port: port + 1, target: owner',
      },
    ],
    kills: ['DNS-SRV-001', 'DNS-SRV-003'],
  },
  {
    id: 'dns-srv-target-nowhere',
    title: 'the target of an SRV record does not exist',
    changes: [
      {
        file: records,
        find: 'weight: 100, port, target: owner',
        replace: "weight: 100, port, target: ['srv', ...owner]",
      },
    ],
    kills: ['DNS-SRV-005'],
  },
  {
    id: 'dns-srv-both-protocols',
    title: 'a named port has SRV records below _tcp and _udp',
    changes: [
      {
        file: records,
        find: 'byName.set(`_${port.name.toLowerCase()}.${protocol}`, set)',
        replace:
          "for (const one of ['_tcp', '_udp']) byName.set(`_${port.name.toLowerCase()}.${one}`, set)",
      },
    ],
    kills: ['DNS-SRV-004'],
  },
  {
    id: 'dns-srv-for-unnamed',
    title: 'a port without a name has an SRV record below its number',
    changes: [
      { file: records, find: "if (port.name === '')", replace: 'if (false)' },
      {
        file: records,
        find: 'byName.set(`_${port.name.toLowerCase()}.${protocol}`, set)',
        replace: 'byName.set(`_${port.name.toLowerCase() || port.port}.${protocol}`, set)',
      },
    ],
    kills: ['DNS-SRV-002'],
  },
  {
    id: 'dns-srv-one-endpoint',
    title: 'endpoints with the same port share one SRV record',
    changes: [
      {
        file: records,
        find: "data.set(`${target[0] ?? ''}:${endpoint.port}`, record)",
        replace: 'data.set(`${endpoint.port}`, record)',
      },
    ],
    kills: ['DNS-SRV-008', 'DNS-SRV-009'],
  },
]
