import type { Check, CheckContext, KubeObject } from '../../../harness/api.ts'
import { clusterIpsOf } from '../support/cluster-facts.ts'
import { serviceName } from '../support/dns.ts'
import { Judgement } from '../support/judgement.ts'
import { service } from '../support/objects.ts'
import { expectNone, expectRecords, judgeSoa, pointerName } from './expect.ts'
import { services } from './services.fixture.ts'

/** IPv4 and IPv6 of Services. */
export const families: readonly Check[] = [
  {
    requirement: 'DNS-AAAA-001',
    sends: 'an AAAA query for a Service with an IPv6 ClusterIP only',
    expects: 'NOERROR and exactly one AAAA record, its ClusterIP',
    capabilities: ['ipv6'],
    run: async (context) => {
      const judgement = new Judgement()
      const { name, ips } = await applied(context, sixOnly)
      await expectRecords(context, judgement, { name, type: 'AAAA' }, { data: ips })
      return judgement.assessment(ips.join())
    },
  },
  {
    requirement: 'DNS-AAAA-002',
    sends: 'an A, then an AAAA query for a Service with an IPv4 ClusterIP only',
    expects:
      'NOERROR, no answers and the SOA of the zone for AAAA; NXDOMAIN would stop resolvers from asking for A',
    fixtures: [services],
    run: async (context) => {
      const judgement = new Judgement()
      const namespace = context.fixture(services)
      const name = serviceName(context, 'web', namespace)
      const data = await clusterIpsOf(context, namespace, 'web')
      await expectRecords(context, judgement, { name }, { data })
      const seen = await expectNone(context, judgement, { name, type: 'AAAA' }, 'NODATA')
      judgeSoa(context, judgement, 'AAAA', seen)
      return judgement.assessment('NODATA with SOA')
    },
  },
  {
    requirement: 'DNS-AAAA-003',
    sends: 'A and AAAA queries for a dual-stack Service',
    expects: 'A is its IPv4, AAAA its IPv6 ClusterIP, nothing else',
    capabilities: ['ipv6'],
    run: async (context) => {
      const judgement = new Judgement()
      const { name, ips } = await applied(context, dual)
      const [four, six] = [
        ips.filter((ip) => !ip.includes(':')),
        ips.filter((ip) => ip.includes(':')),
      ]
      await expectRecords(context, judgement, { name }, { data: four })
      await expectRecords(context, judgement, { name, type: 'AAAA' }, { data: six })
      return judgement.assessment(ips.join(', '))
    },
  },
  {
    requirement: 'DNS-AAAA-004',
    sends: 'an AAAA, then an A query for a Service with an IPv6 ClusterIP only',
    expects: 'NOERROR, no answers and the SOA of the zone for A',
    capabilities: ['ipv6'],
    run: async (context) => {
      const judgement = new Judgement()
      const { name, ips } = await applied(context, sixOnly)
      await expectRecords(context, judgement, { name, type: 'AAAA' }, { data: ips })
      const seen = await expectNone(context, judgement, { name }, 'NODATA')
      judgeSoa(context, judgement, 'A', seen)
      return judgement.assessment('NODATA with SOA')
    },
  },
  {
    requirement: 'DNS-PTR-002',
    sends: 'a PTR query for the 32 nibbles of an IPv6 ClusterIP below ip6.arpa',
    expects: "NOERROR and exactly one PTR record, the Service's name",
    capabilities: ['ipv6'],
    run: async (context) => {
      const judgement = new Judgement()
      const { name, ips } = await applied(context, sixOnly)
      for (const ip of ips)
        await expectRecords(
          context,
          judgement,
          { name: pointerName(ip), type: 'PTR' },
          { data: [name] },
        )
      return judgement.assessment(`${ips.join()} is ${name}`)
    },
  },
]

const selector = { app: 'nobody' }

const sixOnly = service('six', [{ name: 'web', port: 80 }], {
  selector,
  ipFamilyPolicy: 'SingleStack',
  ipFamilies: ['IPv6'],
})

const dual = service('dual', [{ name: 'web', port: 80 }], {
  selector,
  ipFamilyPolicy: 'RequireDualStack',
  ipFamilies: ['IPv4', 'IPv6'],
})

async function applied(
  context: CheckContext,
  object: KubeObject,
): Promise<{ readonly name: string; readonly ips: readonly string[] }> {
  await context.apply([object])
  const { name } = object.metadata
  return {
    name: serviceName(context, name, context.namespace),
    ips: await clusterIpsOf(context, context.namespace, name),
  }
}
