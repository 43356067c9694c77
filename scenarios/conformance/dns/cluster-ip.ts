import type { Check, CheckContext } from '../../../harness/api.ts'
import { clusterIpOf } from '../support/cluster-facts.ts'
import { askUntil, dataOf, describeAnswer, serviceName } from '../support/dns.ts'
import { Judgement, skipped } from '../support/judgement.ts'
import { service } from '../support/objects.ts'
import { codeOf, expectRecords, plain, patience } from './expect.ts'
import { headlessServices, sizes } from './headless.fixture.ts'
import { services } from './services.fixture.ts'

/** Names of Services that have a ClusterIP: DNS-Based Service Discovery 1.1.0, section 2.3.1. */
export const clusterIp: readonly Check[] = [
  resolvesToClusterIp('DNS-A-001', ['web']),
  resolvesToClusterIp('DNS-A-002', ['empty']),
  resolvesToClusterIp('DNS-A-006', ['node-port', 'load-balancer']),
  resolvesToClusterIp('DNS-A-007', ['manual']),
  {
    requirement: 'DNS-A-003',
    sends:
      '1000 A queries, in turn for web.<one namespace> and web.<another namespace>, 20 at once',
    expects: "each answer is the ClusterIP of the Service asked for, never the other namespace's",
    fixtures: [services],
    run: neverMixed,
  },
  {
    requirement: 'DNS-A-004',
    sends: 'an A query for kubernetes.default.svc.<zone> from a pod, by UDP and by TCP',
    expects: 'NOERROR and the ClusterIP of that Service both times',
    run: async (context) => {
      const judgement = new Judgement()
      const data = [await clusterIpOf(context, 'default', 'kubernetes')]
      const name = serviceName(context, 'kubernetes', 'default')
      for (const transport of ['udp', 'tcp'] as const)
        await expectRecords(context, judgement, { name, transport }, { data })
      return judgement.assessment(`${data.join()} by UDP and TCP`)
    },
  },
  {
    requirement: 'DNS-A-005',
    sends: "A queries for a Service's name under the cluster's domain and under cluster.local",
    expects: 'its ClusterIP under the domain; under cluster.local no answer of this zone',
    topology: { clusterDomain: 'edge.test' },
    fixtures: [services],
    run: otherDomain,
  },
  {
    requirement: 'DNS-A-008',
    sends: 'an A query for a Service with the label that keeps it out of the mesh',
    expects: 'NOERROR and its ClusterIP: the label concerns proxying, not names',
    run: async (context) => {
      const judgement = new Judgement()
      const filtered = service('filtered', [{ port: 80 }], { selector: { app: 'nobody' } })
      const metadata = {
        ...filtered.metadata,
        labels: { 'service.edgemesh.kubeedge.io/service-proxy-name': '' },
      }
      await context.apply([{ ...filtered, metadata }])
      const data = [await clusterIpOf(context, context.namespace, 'filtered')]
      const name = serviceName(context, 'filtered', context.namespace)
      await expectRecords(context, judgement, { name }, { data })
      return judgement.assessment(data.join())
    },
  },
  {
    requirement: 'DNS-A-009',
    sends: 'A and SRV queries for a Service, a port of it and a headless Service',
    expects:
      'every record of the answer section is owned by the name asked for, and names only this namespace',
    fixtures: [services, headlessServices],
    run: ownersOnly,
  },
  {
    requirement: 'DNS-A-010',
    sends:
      'an A query for a Service with a name of 63 octets in a namespace with a name of 63 octets that begins with a digit',
    expects: 'NOERROR and its ClusterIP',
    run: longLabels,
  },
]

/** Each Service's name has one A record, its ClusterIP: the value is compared, not only that there is one. */
function resolvesToClusterIp(requirement: string, names: readonly string[]): Check {
  return {
    requirement,
    sends: `an A query for ${names.map((name) => `${name}.<namespace>.svc.<zone>`).join(', ')} by UDP from a pod`,
    expects: 'NOERROR and exactly one A record whose data is spec.clusterIP',
    fixtures: [services],
    run: async (context) => {
      const judgement = new Judgement()
      const seen: string[] = []
      for (const name of names) seen.push(await oneAddress(context, judgement, name))
      return judgement.assessment(seen.join('; '))
    },
  }
}

async function oneAddress(
  context: CheckContext,
  judgement: Judgement,
  name: string,
): Promise<string> {
  const namespace = context.fixture(services)
  const data = [await clusterIpOf(context, namespace, name)]
  const question = { name: serviceName(context, name, namespace) }
  const seen = await expectRecords(context, judgement, question, { data })
  return `${name}: ${describeAnswer(seen)}`
}

const interleaved = 1000

const atOnce = 20

async function neverMixed(context: CheckContext): ReturnType<Check['run']> {
  const judgement = new Judgement()
  await context.apply([service('web', [{ port: 80 }], { selector: { app: 'nobody' } })])
  const sides = await Promise.all(
    [context.fixture(services), context.namespace].map(async (namespace) => ({
      name: serviceName(context, 'web', namespace),
      data: [await clusterIpOf(context, namespace, 'web')],
    })),
  )
  for (const { name, data } of sides) await expectRecords(context, judgement, { name }, { data })
  if (!judgement.ok) return judgement.assessment('')
  const wrong: string[] = []
  const queue = Array.from({ length: interleaved }, (_, at) => at)
  const worker = async (): Promise<void> => {
    for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
      const side = sides[at % sides.length]
      if (side === undefined) return
      // why: a lost datagram is no mixed answer; a client asks again
      const { seen } = await askUntil(context, side, () => true, patience(judgement))
      if (dataOf(seen, 'A').join() !== side.data.join())
        wrong.push(`${side.name}: ${describeAnswer(seen)}`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  judgement.equal(`wrong answers of ${interleaved}`, 0, wrong.length)
  if (wrong.length > 0) context.evidence('transcript', 'wrong-answers', wrong.join('\n'))
  return judgement.assessment(`${interleaved} right answers`)
}

async function otherDomain(context: CheckContext): ReturnType<Check['run']> {
  const usual = 'cluster.local'
  if (context.cluster.topology.clusterDomain === usual)
    return skipped(`the cluster's domain is ${usual}: a cluster built with another one is needed`)
  const judgement = new Judgement()
  const namespace = context.fixture(services)
  await oneAddress(context, judgement, 'web')
  const { seen } = await askUntil(
    context,
    { name: `web.${namespace}.svc.${usual}` },
    () => true,
    patience(judgement),
  )
  judgement.set('A records under cluster.local', [], dataOf(seen, 'A'))
  const soa = seen.kind === 'dns' ? seen.authorities.map(({ name }) => plain(name)) : []
  judgement.holds(
    'no zone data under cluster.local',
    'not authoritative, no SOA of it',
    `${seen.kind === 'dns' && seen.authoritative ? 'authoritative ' : ''}${describeAnswer(seen)}`,
    seen.kind !== 'dns' || !soa.includes(usual),
  )
  return judgement.assessment(`cluster.local: ${describeAnswer(seen)}`)
}

async function ownersOnly(context: CheckContext): ReturnType<Check['run']> {
  const judgement = new Judgement()
  const web = serviceName(context, 'web', context.fixture(services))
  const [, size] = sizes
  const pods = serviceName(context, `size-${size}`, context.fixture(headlessServices))
  const questions = [
    { name: web },
    { name: `_http-0._tcp.${web}`, type: 'SRV' },
    { name: pods },
  ] as const
  for (const question of questions) {
    const { seen } = await askUntil(
      context,
      question,
      ({ rcode, answers }) => rcode === 'NOERROR' && answers.length > 0,
      patience(judgement),
    )
    judgement.equal(`${question.name}: response code`, 'NOERROR', codeOf(seen))
    const owners = seen.kind === 'dns' ? seen.answers.map(({ name }) => plain(name)) : []
    judgement.set(`${question.name}: owners`, [question.name], new Set(owners))
  }
  return judgement.assessment(`all records of ${questions.length} answers are owned by their names`)
}

async function longLabels(context: CheckContext): ReturnType<Check['run']> {
  const judgement = new Judgement()
  const namespace = `7${context.namespace}-`.padEnd(longest, 'x').slice(0, longest)
  const name = 's'.padEnd(longest, '0')
  const { metadata, ...rest } = service(name, [{ port: 80 }], { selector: { app: 'nobody' } })
  await context.apply([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    { ...rest, metadata: { ...metadata, namespace } },
  ])
  const data = [await clusterIpOf(context, namespace, name)]
  await expectRecords(context, judgement, { name: serviceName(context, name, namespace) }, { data })
  return judgement.assessment(`${name}.${namespace} is ${data.join()}`)
}

/** Octets of a label (RFC 1035 section 2.3.4). */
const longest = 63
