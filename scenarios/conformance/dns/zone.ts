import type { Check, CheckContext } from '../../../harness/api.ts'
import { ask, askUntil, dataOf, describeAnswer, serviceName } from '../support/dns.ts'
import { Judgement } from '../support/judgement.ts'
import { service } from '../support/objects.ts'
import { clusterIpOf } from '../support/cluster-facts.ts'
import { codeOf, expectNone, expectRecords, knownMs, patience } from './expect.ts'
import { fixtureKnown } from './newest.ts'
import { services } from './services.fixture.ts'

/** What belongs to the zone as a whole. */
export const zone: readonly Check[] = [
  {
    requirement: 'DNS-VER-001',
    sends: 'a TXT query for dns-version.<zone>',
    expects: 'NOERROR and exactly one TXT record, 1.1.0',
    run: async (context) => {
      const judgement = new Judgement()
      const question = { name: `dns-version.${domainOf(context)}`, type: 'TXT' }
      await expectRecords(context, judgement, question, { data: ['1.1.0'] })
      return judgement.assessment('1.1.0')
    },
  },
  {
    requirement: 'DNS-ZON-001',
    sends: 'an SOA query for <zone>, once more after a Service was made and resolves',
    expects: 'NOERROR and one SOA of the zone in the answer section; its serial does not fall',
    run: serialKept,
  },
  {
    requirement: 'DNS-ZON-002',
    sends: 'A queries for svc.<zone> and <existing namespace>.svc.<zone>',
    expects:
      'NOERROR without answers: names below them exist, so NXDOMAIN would deny those (RFC 8020)',
    fixtures: [services],
    run: async (context) => {
      const judgement = new Judgement()
      const domain = domainOf(context)
      if (!(await fixtureKnown(context, judgement, services))) return judgement.assessment('')
      for (const name of [`svc.${domain}`, `${context.fixture(services)}.svc.${domain}`])
        await expectNone(context, judgement, { name }, 'NODATA', knownMs)
      return judgement.assessment('NODATA for both')
    },
  },
  {
    requirement: 'DNS-ZON-003',
    sends: 'A queries for a namespace that does not exist, and for a Service in it',
    expects: 'NXDOMAIN, and no answers',
    fixtures: [services],
    run: async (context) => {
      const judgement = new Judgement()
      if (!(await fixtureKnown(context, judgement, services))) return judgement.assessment('')
      const nowhere = `${context.fixture(services)}-none.svc.${domainOf(context)}`
      for (const name of [nowhere, `web.${nowhere}`])
        await expectNone(context, judgement, { name }, 'NXDOMAIN')
      return judgement.assessment('NXDOMAIN for both')
    },
  },
  {
    requirement: 'DNS-ZON-004',
    sends: 'AXFR and IXFR queries for <zone> by TCP, after a query that is answered',
    expects: 'REFUSED: a zone transfer would tell everything that runs in the cluster',
    fixtures: [services],
    run: async (context) => {
      const judgement = new Judgement()
      if (!(await fixtureKnown(context, judgement, services))) return judgement.assessment('')
      for (const type of ['AXFR', 'IXFR']) {
        const seen = await ask(context, { name: domainOf(context), type, transport: 'tcp' })
        judgement.equal(`${type}: response code`, 'REFUSED', codeOf(seen))
        judgement.equal(`${type}: answers`, 0, seen.kind === 'dns' ? seen.answers.length : 0)
      }
      return judgement.assessment('both refused')
    },
  },
  {
    requirement: 'DNS-ZON-005',
    sends: 'A queries for *.<namespace>.svc.<zone> and for a Service that is called any',
    expects:
      'NXDOMAIN for the asterisk; the ClusterIP of the Service any, and nothing else, for the other',
    fixtures: [services],
    run: async (context) => {
      const judgement = new Judgement()
      const namespace = context.fixture(services)
      const data = [await clusterIpOf(context, namespace, 'any')]
      const any = serviceName(context, 'any', namespace)
      await expectRecords(context, judgement, { name: any }, { data })
      await expectNone(
        context,
        judgement,
        { name: serviceName(context, '*', namespace) },
        'NXDOMAIN',
      )
      return judgement.assessment(`* does not exist; any is ${data.join()}`)
    },
  },
]

async function serialKept(context: CheckContext): ReturnType<Check['run']> {
  const judgement = new Judgement()
  const question = { name: domainOf(context), type: 'SOA' }
  const serials: number[] = []
  const look = async (when: string): Promise<void> => {
    const { seen } = await askUntil(
      context,
      question,
      (answer) => dataOf(answer, 'SOA').length > 0,
      patience(judgement),
    )
    judgement.equal(`${when}: response code`, 'NOERROR', codeOf(seen))
    const found = dataOf(seen, 'SOA')
    judgement.equal(`${when}: SOA records in the answer section`, 1, found.length)
    for (const data of found) serials.push(Number(data.split(' ')[2]))
    if (found.length !== 1) context.evidence('transcript', when, describeAnswer(seen))
  }
  await look('before')
  if (!judgement.ok) return judgement.assessment('')
  await context.apply([service('later', [{ port: 80 }], { selector: { app: 'nobody' } })])
  const data = [await clusterIpOf(context, context.namespace, 'later')]
  const name = serviceName(context, 'later', context.namespace)
  await expectRecords(context, judgement, { name }, { data })
  await look('after')
  const [before = NaN, after = NaN] = serials
  judgement.holds('serial does not fall', `>= ${before}`, String(after), after >= before)
  return judgement.assessment(`serial ${before}, then ${after}`)
}

function domainOf({ cluster }: CheckContext): string {
  return cluster.topology.clusterDomain
}
