import type { Check, CheckContext } from '../../../harness/api.ts'
import { ask, describeAnswer, serviceName } from '../support/dns.ts'
import { Judgement } from '../support/judgement.ts'
import { endpointSlice } from '../support/objects.ts'
import { expectNone, expectRecords, judgeSoa } from './expect.ts'
import { addresses, headlessServices, manySlices, mixed, pets, sizes } from './headless.fixture.ts'
import { fixtureKnown, headless as headlessService } from './newest.ts'

/** A records of headless Services: DNS-Based Service Discovery 1.1.0, section 2.4.1. Long sets are asked for by TCP. */
export const headless: readonly Check[] = [
  {
    requirement: 'DNS-HDL-001',
    sends: `A queries by TCP for headless Services with ${sizes.join(', ')} ready endpoints`,
    expects: 'exactly the addresses of the endpoints',
    fixtures: [headlessServices],
    run: (context) =>
      setsOf(
        context,
        sizes.map((size) => [`size-${size}`, addresses(size, size)]),
      ),
  },
  {
    requirement: 'DNS-HDL-002',
    sends: 'an A query for a headless Service with two ready endpoints and one that is not',
    expects: 'the two ready ones',
    fixtures: [headlessServices],
    run: async (context) => {
      const judgement = new Judgement()
      if (!(await fixtureKnown(context, judgement, headlessServices)))
        return judgement.assessment('')
      await expectSet(context, judgement, 'mixed', mixed.ready)
      return judgement.assessment(mixed.ready.join())
    },
  },
  {
    requirement: 'DNS-HDL-003',
    sends: 'an A query for a headless Service with two endpoints, none of them ready',
    expects: 'NXDOMAIN with the SOA of the zone',
    fixtures: [headlessServices],
    run: async (context) => {
      const judgement = new Judgement()
      if (!(await fixtureKnown(context, judgement, headlessServices)))
        return judgement.assessment('')
      const question = { name: nameOf(context, 'unready') }
      const seen = await expectNone(context, judgement, question, 'NXDOMAIN')
      judgeSoa(context, judgement, question.name, seen)
      return judgement.assessment('NXDOMAIN with SOA')
    },
  },
  {
    requirement: 'DNS-HDL-004',
    sends: 'A queries for <hostname>.<headless Service>, one hostname with a digit first',
    expects: "exactly that endpoint's address",
    fixtures: [headlessServices],
    run: (context) =>
      setsOf(
        context,
        (['rex', 'tom', '9-lives'] as const).map((one) => [`${one}.pets`, pets[one]]),
      ),
  },
  {
    requirement: 'DNS-HDL-005',
    sends: 'an A query for <hostname>.<headless Service> where two endpoints have that hostname',
    expects: 'the addresses of both',
    fixtures: [headlessServices],
    run: (context) => setsOf(context, [['twins.pets', pets.twins]]),
  },
  {
    requirement: 'DNS-HDL-007',
    sends: 'an A query for a hostname that no endpoint of the headless Service has',
    expects: 'NXDOMAIN, and no answers',
    fixtures: [headlessServices],
    run: async (context) => {
      const judgement = new Judgement()
      await expectSet(context, judgement, 'rex.pets', pets.rex)
      const name = nameOf(context, 'nobody.pets')
      await expectNone(context, judgement, { name }, 'NXDOMAIN')
      return judgement.assessment('NXDOMAIN')
    },
  },
  {
    requirement: 'DNS-HDL-009',
    sends: 'an A query for a headless Service without ports',
    expects: 'the addresses of its endpoints: names need no port',
    fixtures: [headlessServices],
    run: (context) => setsOf(context, [['size-3', addresses(3, 3)]]),
  },
  {
    requirement: 'DNS-HDL-010',
    sends:
      'an A query by TCP for a headless Service with 150 endpoints in three EndpointSlices, two of them in two',
    expects: 'each of the 150 addresses once',
    fixtures: [headlessServices],
    run: (context) => setsOf(context, [['slices', [...new Set(manySlices.flat())]]]),
  },
  {
    requirement: 'DNS-HDL-011',
    sends:
      'an A query for a headless Service that has a hand-made EndpointSlice and no Endpoints object',
    expects: 'the address in the EndpointSlice',
    run: async (context) => {
      const judgement = new Judgement()
      const { cluster, namespace, signal } = context
      const [data = ''] = addresses(50, 1)
      await context.apply([
        headlessService('by-hand'),
        endpointSlice('by-hand', [{ addresses: [data] }], []),
      ])
      const type = await cluster.kube.typeOf({ apiVersion: 'v1', kind: 'Endpoints' }, { signal })
      const old = await cluster.kube.get(type, { namespace, name: 'by-hand' }, { signal })
      if (old !== undefined) throw new Error('somebody made an Endpoints object for by-hand')
      const name = serviceName(context, 'by-hand', namespace)
      await expectRecords(context, judgement, { name }, { data: [data] })
      return judgement.assessment(data)
    },
  },
  {
    requirement: 'DNS-HDL-012',
    sends: '30 A queries for a headless Service with three endpoints',
    expects: 'not always the same address first (by chance: once in 10^14 runs)',
    fixtures: [headlessServices],
    run: rotates,
  },
]

async function setsOf(
  context: CheckContext,
  wanted: readonly (readonly [service: string, addresses: readonly string[]])[],
): ReturnType<Check['run']> {
  const judgement = new Judgement()
  for (const [service, all] of wanted) await expectSet(context, judgement, service, all)
  return judgement.assessment(
    wanted.map(([service, all]) => `${service}: ${all.length} addresses`).join(', '),
  )
}

async function expectSet(
  context: CheckContext,
  judgement: Judgement,
  service: string,
  data: readonly string[],
): Promise<void> {
  const question = { name: nameOf(context, service), transport: 'tcp' } as const
  await expectRecords(context, judgement, question, { data })
}

const turns = 30

async function rotates(context: CheckContext): ReturnType<Check['run']> {
  const judgement = new Judgement()
  await expectSet(context, judgement, 'size-3', addresses(3, 3))
  if (!judgement.ok) return judgement.assessment('')
  const firsts = new Map<string, number>()
  for (let turn = 0; turn < turns; turn += 1) {
    const seen = await ask(context, { name: nameOf(context, 'size-3') })
    const first = seen.kind === 'dns' ? (seen.answers[0]?.data ?? '') : describeAnswer(seen)
    firsts.set(first, (firsts.get(first) ?? 0) + 1)
  }
  judgement.atLeast('different first addresses', 2, firsts.size, 'addresses')
  return judgement.assessment([...firsts].map(([first, count]) => `${count} x ${first}`).join(', '))
}

function nameOf(context: CheckContext, name: string): string {
  return serviceName(context, name, context.fixture(headlessServices))
}
