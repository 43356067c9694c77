import type { Check, CheckContext, Observation } from '../../../harness/api.ts'
import { clusterIpOf } from '../support/cluster-facts.ts'
import { askUntil, describeAnswer, serviceName } from '../support/dns.ts'
import { Judgement } from '../support/judgement.ts'
import { codeOf, expectNone, expectRecords, judgeSoa, plain, srvOf, patience } from './expect.ts'
import { fixtureKnown } from './newest.ts'
import { services } from './services.fixture.ts'

/** Named ports of the fixture's Service `three`, by the name that its SRV record has below the Service's. */
const three = { '_web._tcp': 8000, '_admin._tcp': 8001, '_stats._udp': 8002 } as const

/** SRV records of Services with a ClusterIP: DNS-Based Service Discovery 1.1.0, section 2.3.2. */
export const srv: readonly Check[] = [
  {
    requirement: 'DNS-SRV-001',
    sends: 'an SRV query for _http-0._tcp.<Service>',
    expects:
      "NOERROR and one SRV record with the Service's port (not its targetPort) and the Service's name",
    fixtures: [services],
    run: async (context) => {
      const judgement = new Judgement()
      const web = nameOf(context, 'web')
      await expectSrv(context, judgement, `_http-0._tcp.${web}`, [`80 ${web}`])
      return judgement.assessment(`80 ${web}`)
    },
  },
  {
    requirement: 'DNS-SRV-002',
    sends:
      'SRV queries below a Service whose only port has no name: for its number, an empty name, http, and _tcp alone',
    expects: 'no SRV record',
    fixtures: [services],
    run: async (context) => {
      const judgement = new Judgement()
      const empty = nameOf(context, 'empty')
      const data = [await clusterIpOf(context, context.fixture(services), 'empty')]
      await expectRecords(context, judgement, { name: empty }, { data })
      for (const below of ['_80._tcp', '_http._tcp', '_tcp']) {
        const question = { name: `${below}.${empty}`, type: 'SRV' }
        const { seen } = await askUntil(context, question, () => true, patience(judgement))
        judgement.set(`${question.name}: SRV records`, [], srvOf(seen).map(shown))
        judgement.holds(
          `${question.name}: answered`,
          'NOERROR or NXDOMAIN',
          codeOf(seen),
          ['NOERROR', 'NXDOMAIN'].includes(codeOf(seen)),
        )
      }
      return judgement.assessment('no SRV record')
    },
  },
  {
    requirement: 'DNS-SRV-003',
    sends: 'SRV queries for each of three named ports, two TCP and one UDP',
    expects: "exactly one SRV record under each name, with that port's number",
    fixtures: [services],
    run: async (context) => {
      const judgement = new Judgement()
      const name = nameOf(context, 'three')
      for (const [below, port] of Object.entries(three))
        await expectSrv(context, judgement, `${below}.${name}`, [`${port} ${name}`])
      return judgement.assessment('one SRV record under each name')
    },
  },
  {
    requirement: 'DNS-SRV-004',
    sends: "SRV queries for a TCP port's name below _udp, and for a UDP port's below _tcp",
    expects: 'NXDOMAIN, and no answers',
    fixtures: [services],
    run: async (context) => {
      const judgement = new Judgement()
      const name = nameOf(context, 'three')
      await expectSrv(context, judgement, `_web._tcp.${name}`, [`${three['_web._tcp']} ${name}`])
      for (const below of ['_web._udp', '_stats._tcp'])
        await expectNone(context, judgement, { name: `${below}.${name}`, type: 'SRV' }, 'NXDOMAIN')
      return judgement.assessment('NXDOMAIN for both')
    },
  },
  {
    requirement: 'DNS-SRV-005',
    sends: 'an SRV query, then an A query for the target that it gave',
    expects: 'the target resolves to the ClusterIP',
    fixtures: [services],
    run: async (context) => {
      const judgement = new Judgement()
      const seen = await answeredSrv(context, judgement, `_http-0._tcp.${nameOf(context, 'web')}`)
      const data = [await clusterIpOf(context, context.fixture(services), 'web')]
      for (const { target } of srvOf(seen))
        await expectRecords(context, judgement, { name: target }, { data })
      return judgement.assessment(describeAnswer(seen))
    },
  },
  {
    requirement: 'DNS-SRV-006',
    sends: 'an SRV query',
    expects:
      "no additional records, or those of the target: its ClusterIP's A record and nothing else",
    fixtures: [services],
    run: async (context) => {
      const judgement = new Judgement()
      const web = nameOf(context, 'web')
      const seen = await answeredSrv(context, judgement, `_http-0._tcp.${web}`)
      const more = seen.kind === 'dns' ? seen.additionals : []
      const right = `${web} A ${await clusterIpOf(context, context.fixture(services), 'web')}`
      if (more.length > 0)
        judgement.set(
          'additional records',
          [right],
          more.map(({ name, type, data }) => `${plain(name)} ${type} ${data}`),
        )
      return judgement.assessment(
        more.length > 0 ? `additional: ${right}` : 'no additional records, as is allowed',
      )
    },
  },
  {
    requirement: 'DNS-SRV-007',
    sends: "an SRV query for the Service's own name",
    expects: 'one SRV record for each of its three named ports',
    fixtures: [services],
    run: async (context) => {
      const judgement = new Judgement()
      const name = nameOf(context, 'three')
      const wanted = Object.values(three).map((port) => `${port} ${name}`)
      await expectSrv(context, judgement, name, wanted)
      return judgement.assessment(wanted.join(', '))
    },
  },
  {
    requirement: 'DNS-SRV-011',
    sends:
      'an SRV query in mixed case for a port of a Service, and one for a Service that does not exist',
    expects:
      'an SRV record whose owner is the name that was asked for; NXDOMAIN with SOA for the other',
    fixtures: [services],
    run: async (context) => {
      const judgement = new Judgement()
      if (!(await fixtureKnown(context, judgement, services))) return judgement.assessment('')
      const name = `_hTtP-0._TcP.WeB.${context.fixture(services)}.sVc.${context.cluster.topology.clusterDomain}`
      const seen = await answeredSrv(context, judgement, name)
      const owners = seen.kind === 'dns' ? seen.answers.map((answer) => plain(answer.name)) : []
      judgement.set('owner of the SRV record', [plain(name)], owners)
      const none = { name: `_http-0._tcp.${nameOf(context, 'nothing')}`, type: 'SRV' }
      judgeSoa(
        context,
        judgement,
        none.name,
        await expectNone(context, judgement, none, 'NXDOMAIN'),
      )
      return judgement.assessment(`owner ${name}; NXDOMAIN for a Service that does not exist`)
    },
  },
]

/** Asks until the SRV records are these, as `port target`, and judges what was seen last. */
export async function expectSrv(
  context: CheckContext,
  judgement: Judgement,
  name: string,
  wanted: readonly string[],
): Promise<Observation> {
  const sorted = [...wanted].sort()
  const { seen } = await askUntil(
    context,
    { name, type: 'SRV', transport: 'tcp' },
    (answer) => srvOf(answer).map(shown).sort().join() === sorted.join(),
    patience(judgement),
  )
  judgement.equal(`${name} SRV: response code`, 'NOERROR', codeOf(seen))
  judgement.set(`${name}: SRV records`, sorted, srvOf(seen).map(shown))
  return seen
}

function shown({ port, target }: ReturnType<typeof srvOf>[number]): string {
  return `${port} ${target}`
}

/** Asks until at least one SRV record comes. */
async function answeredSrv(
  context: CheckContext,
  judgement: Judgement,
  name: string,
): Promise<Observation> {
  const question = { name, type: 'SRV' }
  const { seen } = await askUntil(
    context,
    question,
    (answer) => srvOf(answer).length > 0,
    patience(judgement),
  )
  judgement.equal(`${name} SRV: response code`, 'NOERROR', codeOf(seen))
  judgement.atLeast(`${name}: SRV records`, 1, srvOf(seen).length, 'records')
  return seen
}

function nameOf(context: CheckContext, name: string): string {
  return serviceName(context, name, context.fixture(services))
}
