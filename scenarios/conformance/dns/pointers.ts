import type { Check, CheckContext } from '../../../harness/api.ts'
import { clusterIpOf } from '../support/cluster-facts.ts'
import { askUntil, dataOf, describeAnswer, serviceName } from '../support/dns.ts'
import { Judgement } from '../support/judgement.ts'
import { expectNone, expectRecords, plain, pointerName, patience } from './expect.ts'
import { headlessServices, mixed, pets, shared } from './headless.fixture.ts'
import { fixtureKnown } from './newest.ts'
import { services } from './services.fixture.ts'
import { outside, upstream } from './upstream.fixture.ts'

/** From addresses to names: sections 2.3.3 and 2.4.3. */
export const pointers: readonly Check[] = [
  {
    requirement: 'DNS-PTR-001',
    sends: 'a PTR query for the reversed ClusterIP below in-addr.arpa',
    expects: "NOERROR and exactly one PTR record, the Service's name",
    fixtures: [services],
    run: async (context) => {
      const judgement = new Judgement()
      const namespace = context.fixture(services)
      const ip = await clusterIpOf(context, namespace, 'web')
      const data = [serviceName(context, 'web', namespace)]
      await expectRecords(context, judgement, { name: pointerName(ip), type: 'PTR' }, { data })
      return judgement.assessment(`${ip} is ${data.join()}`)
    },
  },
  {
    requirement: 'DNS-PTR-003',
    sends: 'PTR queries for ready endpoints of a headless Service that have hostnames',
    expects: '<hostname>.<Service>, nothing else',
    fixtures: [headlessServices],
    run: async (context) => {
      const judgement = new Judgement()
      for (const hostname of ['rex', 'tom'] as const)
        for (const address of pets[hostname]) {
          const data = [nameOf(context, `${hostname}.pets`)]
          const question = { name: pointerName(address), type: 'PTR' }
          await expectRecords(context, judgement, question, { data })
        }
      return judgement.assessment('rex and tom have their names')
    },
  },
  {
    requirement: 'DNS-PTR-004',
    sends: 'a PTR query for an endpoint of a headless Service that has a hostname and is not ready',
    expects: "no PTR record with the endpoint's name",
    fixtures: [headlessServices],
    run: async (context) => {
      const judgement = new Judgement()
      if (!(await fixtureKnown(context, judgement, headlessServices)))
        return judgement.assessment('')
      const { seen } = await askUntil(
        context,
        { name: pointerName(mixed.unready), type: 'PTR' },
        () => true,
        patience(judgement),
      )
      judgement.holds('answered', 'an answer', describeAnswer(seen), seen.kind === 'dns')
      judgement.set('PTR records', [], dataOf(seen, 'PTR'))
      return judgement.assessment(describeAnswer(seen))
    },
  },
  {
    requirement: 'DNS-PTR-005',
    sends:
      'PTR queries for two addresses outside of the cluster: one that the name server outside knows, one that it does not',
    expects: 'its PTR record for the one, its NXDOMAIN for the other',
    capabilities: ['upstream-dns'],
    fixtures: [upstream],
    run: async (context) => {
      const judgement = new Judgement()
      const { pointer, unknownAddress } = outside
      const question = { name: pointerName(pointer.address), type: 'PTR' }
      await expectRecords(context, judgement, question, { data: [pointer.name] })
      const other = { name: pointerName(unknownAddress), type: 'PTR' }
      await expectNone(context, judgement, other, 'NXDOMAIN')
      return judgement.assessment(`${pointer.name}, and NXDOMAIN`)
    },
  },
  {
    requirement: 'DNS-PTR-006',
    sends: 'a PTR query for the address of an endpoint that two headless Services have',
    expects: 'two PTR records, one below each Service',
    fixtures: [headlessServices],
    run: async (context) => {
      const judgement = new Judgement()
      const data = ['left', 'right'].map((side) => nameOf(context, `both.${side}`))
      const question = { name: pointerName(shared), type: 'PTR' }
      const seen = await expectRecords(context, judgement, question, { data })
      return judgement.assessment(dataOf(seen, 'PTR').map(plain).join(', '))
    },
  },
]

function nameOf(context: CheckContext, name: string): string {
  return serviceName(context, name, context.fixture(headlessServices))
}
