import type { Check, CheckContext, Fixture, KubeObject } from '../../../harness/api.ts'
import { clusterIpOf } from '../support/cluster-facts.ts'
import { askUntil, dataOf, describeAnswer, serviceName } from '../support/dns.ts'
import { Judgement } from '../support/judgement.ts'
import { service } from '../support/objects.ts'
import { codeOf, expectNone, expectRecords, plain, patience } from './expect.ts'
import { fixtureKnown, newest } from './newest.ts'
import { outside, upstream } from './upstream.fixture.ts'

/** Where `outside` points to: a name that no server of the cluster is responsible for. */
const elsewhere = outside.host.name

/** ExternalName Services to names that cannot be resolved, with what the server outside says. */
const unresolvable = [
  ['missing', outside.nothing, 'NXDOMAIN'],
  ['failing', outside.broken, 'SERVFAIL'],
] as const

/** ExternalName Services: `outside` to a name elsewhere, `inside` to the Service `web` beside it. */
const aliases: Fixture = {
  id: 'dns-aliases',
  manifests: ({ namespace, cluster }) => [
    service('web', [{ name: 'http', port: 80 }], { selector: { app: 'nobody' } }),
    externalName('outside', elsewhere),
    ...unresolvable.map(([name, target]) => externalName(name, target)),
    externalName('inside', serviceName({ cluster }, 'web', namespace)),
    ...newest(),
  ],
}

/** CNAME records of ExternalName Services: DNS-Based Service Discovery 1.1.0, section 2.5. */
export const externalNames: readonly Check[] = [
  {
    requirement: 'DNS-EXT-001',
    sends: `A, AAAA and CNAME queries for a Service of type ExternalName to ${elsewhere}`,
    expects: `one CNAME record of the name asked for, ${elsewhere}`,
    fixtures: [aliases],
    run: async (context) => {
      const judgement = new Judgement()
      const name = nameOf(context, 'outside')
      for (const type of ['CNAME', 'A', 'AAAA'])
        await expectAlias(context, judgement, { name, type })
      return judgement.assessment(elsewhere)
    },
  },
  {
    requirement: 'DNS-EXT-002',
    sends: `an A query for a Service of type ExternalName to ${elsewhere}, which the name server outside knows`,
    expects: 'one reply with the CNAME and the address, and nothing else',
    capabilities: ['upstream-dns'],
    fixtures: [upstream, aliases],
    run: async (context) => {
      const judgement = new Judgement()
      const question = { name: nameOf(context, 'outside') }
      const seen = await expectRecords(context, judgement, question, {
        data: [outside.host.address],
      })
      judgement.set('CNAME records', [elsewhere], dataOf(seen, 'CNAME').map(plain))
      return judgement.assessment(describeAnswer(seen))
    },
  },
  {
    requirement: 'DNS-EXT-003',
    sends: 'an A query for an ExternalName Service that points to a Service with a ClusterIP',
    expects: "the CNAME record comes first, the target's after it",
    fixtures: [aliases],
    run: async (context) => {
      const judgement = new Judgement()
      const seen = await followed(context, judgement)
      const order = seen.kind === 'dns' ? seen.answers.map(({ type }) => type) : []
      judgement.equal('order of the answers', ['CNAME', 'A'], order)
      return judgement.assessment(describeAnswer(seen))
    },
  },
  {
    requirement: 'DNS-EXT-004',
    sends:
      'CNAME and A queries while a Service goes from one externalName to another, to ClusterIP, to NodePort and back',
    expects: 'each change shows within the bound',
    timeoutMs: 240_000,
    run: typeChanges,
  },
  {
    requirement: 'DNS-EXT-005',
    sends:
      'an A query for a name below an ExternalName Service and an SRV query for _http._tcp below it',
    expects: 'NXDOMAIN, and no answers',
    fixtures: [aliases],
    run: async (context) => {
      const judgement = new Judgement()
      if (!(await fixtureKnown(context, judgement, aliases))) return judgement.assessment('')
      for (const service of ['outside', 'inside']) {
        const name = nameOf(context, service)
        await expectNone(context, judgement, { name: `sub.${name}` }, 'NXDOMAIN')
        const srv = { name: `_http._tcp.${name}`, type: 'SRV' }
        await expectNone(context, judgement, srv, 'NXDOMAIN')
      }
      return judgement.assessment('NXDOMAIN for both')
    },
  },
  {
    requirement: 'DNS-EXT-006',
    sends: 'an A query for an ExternalName Service that points to a Service with a ClusterIP',
    expects: 'one reply with the CNAME and the ClusterIP',
    fixtures: [aliases],
    run: async (context) => {
      const judgement = new Judgement()
      const seen = await followed(context, judgement)
      return judgement.assessment(describeAnswer(seen))
    },
  },
  {
    requirement: 'DNS-EXT-007',
    sends:
      'A queries for ExternalName Services to a name that does not exist outside, and to one that fails there',
    expects:
      'the CNAME with the response code of the server outside, NXDOMAIN and SERVFAIL (RFC 6604 section 3), in time',
    capabilities: ['upstream-dns'],
    fixtures: [upstream, aliases],
    run: unresolved,
  },
]

async function unresolved(context: CheckContext): ReturnType<Check['run']> {
  const judgement = new Judgement()
  const thresholdMs = context.threshold('answerMs')
  // why: from then on it asks the server outside
  await expectRecords(
    context,
    judgement,
    { name: nameOf(context, 'outside') },
    { data: [outside.host.address] },
  )
  let observedMs = 0
  for (const [service, target, code] of unresolvable) {
    const question = { name: nameOf(context, service), timeoutMs: 2 * thresholdMs }
    const { seen } = await askUntil(
      context,
      question,
      ({ rcode, answers }) => rcode === code && answers.length > 0,
      patience(judgement, settledMs),
    )
    judgement.equal(`${target}: response code`, code, codeOf(seen))
    judgement.set(`${target}: CNAME records`, [target], dataOf(seen, 'CNAME').map(plain))
    judgement.atMost(`${target}: answered`, thresholdMs, seen.durationMs)
    observedMs = Math.max(observedMs, seen.durationMs)
  }
  return judgement.assessment(`NXDOMAIN and SERVFAIL after at most ${Math.round(observedMs)} ms`, {
    convergence: { thresholdMs, observedMs },
  })
}

/** The same answer to the same question is expected at once; a cached trouble of before may last so long, in ms. */
const settledMs = 10_000

export function externalName(name: string, target: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { type: 'ExternalName', externalName: target },
  }
}

async function expectAlias(
  context: CheckContext,
  judgement: Judgement,
  question: { readonly name: string; readonly type: string },
): Promise<void> {
  const { seen } = await askUntil(
    context,
    question,
    (answer) => dataOf(answer, 'CNAME').map(plain).join() === elsewhere,
    patience(judgement),
  )
  const label = `${question.type} query`
  judgement.holds(`${label}: answered`, 'an answer', describeAnswer(seen), seen.kind === 'dns')
  judgement.set(`${label}: CNAME records`, [elsewhere], dataOf(seen, 'CNAME').map(plain))
  const owners = seen.kind === 'dns' ? seen.answers.filter(({ type }) => type === 'CNAME') : []
  judgement.set(
    `${label}: owner`,
    [question.name],
    owners.map(({ name }) => plain(name)),
  )
}

/** The reply for `inside`, with its CNAME and the ClusterIP of its target. */
async function followed(
  context: CheckContext,
  judgement: Judgement,
): ReturnType<typeof expectRecords> {
  const namespace = context.fixture(aliases)
  const data = [await clusterIpOf(context, namespace, 'web')]
  const question = { name: nameOf(context, 'inside') }
  const seen = await expectRecords(context, judgement, question, { data })
  const target = serviceName(context, 'web', namespace)
  judgement.set('CNAME records', [target], dataOf(seen, 'CNAME').map(plain))
  return seen
}

async function typeChanges(context: CheckContext): ReturnType<Check['run']> {
  const judgement = new Judgement()
  const thresholdMs = context.threshold('convergenceMs')
  const name = serviceName(context, 'changes', context.namespace)
  const steps: string[] = []
  let observedMs = 0
  const shows = async (
    step: string,
    type: 'CNAME' | 'A',
    wanted: readonly string[],
  ): Promise<void> => {
    const { seen, tookMs } = await askUntil(
      context,
      { name, type },
      (answer) => dataOf(answer, type).map(plain).join() === wanted.join(),
      thresholdMs,
    )
    judgement.set(`${step}: ${type} records`, wanted, dataOf(seen, type).map(plain))
    if (type === 'A') judgement.set(`${step}: CNAME records`, [], dataOf(seen, 'CNAME'))
    else judgement.equal(`${step}: response code`, 'NOERROR', codeOf(seen))
    steps.push(`${step} ${Math.round(tookMs)} ms`)
    // why: the first one is the Service itself, not a change
    if (steps.length > 1) observedMs = Math.max(observedMs, tookMs)
  }
  const toAddress = async (type: 'ClusterIP' | 'NodePort'): Promise<void> => {
    await replaceSpec(context, {
      type,
      ports: [{ port: 80, protocol: 'TCP' }],
      selector: { app: 'nobody' },
    })
    await shows(type, 'A', [await clusterIpOf(context, context.namespace, 'changes')])
  }
  const toAlias = async (target: string): Promise<void> => {
    await replaceSpec(context, { type: 'ExternalName', externalName: target })
    await shows(target, 'CNAME', [target])
  }
  await context.apply([externalName('changes', elsewhere)])
  await shows(elsewhere, 'CNAME', [elsewhere])
  if (!judgement.ok) return judgement.assessment('')
  await toAlias('mail.example.org')
  await toAddress('ClusterIP')
  await toAlias(elsewhere)
  await toAddress('NodePort')
  await toAlias(elsewhere)
  return judgement.assessment(steps.join(', '), { convergence: { thresholdMs, observedMs } })
}

/** As `kubectl replace`: what the new type has no use for is gone. */
async function replaceSpec(
  { cluster, namespace, signal }: CheckContext,
  spec: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { kube } = cluster
  const type = await kube.typeOf({ apiVersion: 'v1', kind: 'Service' }, { signal })
  const now = await kube.get(type, { namespace, name: 'changes' }, { signal })
  if (now === undefined) throw new Error('the Service is gone')
  await kube.replace(type, { ...now, spec }, { signal })
}

function nameOf(context: CheckContext, name: string): string {
  return serviceName(context, name, context.fixture(aliases))
}
