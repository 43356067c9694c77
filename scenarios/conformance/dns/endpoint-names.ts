import type { Check, CheckContext } from '../../../harness/api.ts'
import { askUntil, dataOf, describeAnswer, serviceName } from '../support/dns.ts'
import { Judgement } from '../support/judgement.ts'
import { codeOf, srvOf, patience } from './expect.ts'
import { headlessServices, portsOfEndpoints } from './headless.fixture.ts'

/** Names and SRV records of the endpoints of a headless Service: sections 2.1 and 2.4.2. */
export const endpointNames: readonly Check[] = [
  {
    requirement: 'DNS-SRV-008',
    sends: 'SRV queries for the two named ports of a headless Service with three ready endpoints',
    expects: '3 x 2 SRV records, each once',
    fixtures: [headlessServices],
    run: async (context) => {
      const judgement = new Judgement()
      const { owners, endpoints } = portsOfEndpoints
      let all = 0
      for (const owner of owners) {
        const found = await srvRecords(context, judgement, owner, endpoints.length)
        judgement.equal(
          `${owner}: distinct records`,
          endpoints.length,
          new Set(found.map(text)).size,
        )
        all += found.length
      }
      judgement.equal('SRV records over all names', endpoints.length * owners.length, all)
      return judgement.assessment(`${all} SRV records`)
    },
  },
  {
    requirement: 'DNS-SRV-009',
    sends: 'an SRV query for a port of a headless Service, then an A query for each target',
    expects:
      "every target is one label below the Service's name and has one address; together they are the endpoints; hostnames are used where endpoints have one",
    fixtures: [headlessServices],
    run: async (context) => {
      const judgement = new Judgement()
      const { owners, endpoints, hostnames } = portsOfEndpoints
      const [owner] = owners
      const service = nameOf(context)
      const targets = await srvRecords(context, judgement, owner, endpoints.length)
      const seen: string[] = []
      for (const { target } of targets) {
        const label = target.slice(0, -service.length - 1)
        judgement.holds(
          `${target}: one label below the Service`,
          service,
          target,
          `${label}.${service}` === target && !label.includes('.'),
        )
        seen.push(...(await addressesOf(context, judgement, target)))
      }
      judgement.set('addresses of the targets', endpoints, seen)
      const labels = new Set(targets.map(({ target }) => target.split('.')[0] ?? ''))
      judgement.set(
        'hostnames among the targets',
        hostnames,
        hostnames.filter((hostname) => labels.has(hostname)),
      )
      return judgement.assessment(targets.map(text).join(', '))
    },
  },
  {
    requirement: 'DNS-SRV-010',
    sends: 'an SRV query for a headless port 80 with targetPort 8080',
    expects:
      "80, the Service's port as the specification says, or 8080, the endpoint's as CoreDNS says: it is recorded which",
    fixtures: [headlessServices],
    run: async (context) => {
      const judgement = new Judgement()
      const { owners, endpoints, ports } = portsOfEndpoints
      const found = await srvRecords(context, judgement, owners[0], endpoints.length)
      const numbers = [...new Set(found.map(({ port }) => port))]
      judgement.holds(
        'port of every SRV record',
        Object.values(ports).join(' or '),
        numbers.join(),
        numbers.length === 1 && [ports.service, ports.endpoint].some((port) => port === numbers[0]),
      )
      return judgement.assessment(
        numbers[0] === ports.service
          ? `${ports.service}, the Service's port`
          : `${ports.endpoint}, the endpoint's port`,
      )
    },
  },
  {
    requirement: 'DNS-HDL-006',
    sends:
      'an SRV query for a headless port, then an A query for the target that stands for an endpoint without a hostname',
    expects: "a name of its own below the Service, which resolves to that endpoint's address alone",
    fixtures: [headlessServices],
    run: async (context) => {
      const judgement = new Judgement()
      const { owners, endpoints, hostnames, nameless } = portsOfEndpoints
      const targets = (await srvRecords(context, judgement, owners[0], endpoints.length))
        .map(({ target }) => target)
        .filter((target) => !hostnames.some((hostname) => target.startsWith(`${hostname}.`)))
      judgement.equal(
        'names of endpoints without a hostname',
        nameless.length,
        new Set(targets).size,
      )
      const seen: string[] = []
      for (const target of targets) {
        const found = await addressesOf(context, judgement, target)
        judgement.equal(`addresses of ${target}`, 1, found.length)
        seen.push(...found)
      }
      judgement.set('their addresses', nameless, seen)
      return judgement.assessment(targets.join(', '))
    },
  },
]

/** Asks until there are so many SRV records, and judges what was seen last. */
async function srvRecords(
  context: CheckContext,
  judgement: Judgement,
  owner: string,
  count: number,
): Promise<ReturnType<typeof srvOf>> {
  const name = `${owner}.${nameOf(context)}`
  const { seen } = await askUntil(
    context,
    { name, type: 'SRV', transport: 'tcp' },
    (answer) => srvOf(answer).length === count,
    patience(judgement),
  )
  judgement.equal(`${name} SRV: response code`, 'NOERROR', codeOf(seen))
  judgement.equal(`${name}: number of SRV records`, count, srvOf(seen).length)
  if (srvOf(seen).length !== count) context.evidence('transcript', owner, describeAnswer(seen))
  return srvOf(seen)
}

async function addressesOf(
  context: CheckContext,
  judgement: Judgement,
  name: string,
): Promise<readonly string[]> {
  const { seen } = await askUntil(
    context,
    { name },
    (answer) => dataOf(answer, 'A').length > 0,
    patience(judgement),
  )
  judgement.equal(`${name}: response code`, 'NOERROR', codeOf(seen))
  return dataOf(seen, 'A')
}

function text({ port, target }: ReturnType<typeof srvOf>[number]): string {
  return `${port} ${target}`
}

function nameOf(context: CheckContext): string {
  return serviceName(context, portsOfEndpoints.service, context.fixture(headlessServices))
}
