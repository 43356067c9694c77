import { setTimeout as delay } from 'node:timers/promises'
import { byHand } from '../../support/by-hand.ts'
import type { Check, CheckContext, KubeObject } from '../../../../harness/api.ts'
import { clusterIpOf } from '../../support/cluster-facts.ts'
import { ask, dataOf, serviceName } from '../../support/dns.ts'
import { Judgement } from '../../support/judgement.ts'
import { service } from '../../support/objects.ts'
import { removeNow } from './change.ts'
import { headless } from '../newest.ts'
import { knownMs } from '../expect.ts'
import { milliseconds, negativeTtlMs, ttlMs, turnsInto } from './within.ts'

/** Services that come, go and come again. */
export const changingServices: readonly Check[] = [
  {
    requirement: 'DNSF-001',
    sends:
      'A queries every 20 ms from the moment that a new Service was taken by the API server, for ten Services in turn',
    expects: 'each resolves to its ClusterIP within the bound; the longest time is recorded',
    timeoutMs: 400_000,
    run: created,
  },
  {
    requirement: 'DNSF-002',
    sends: 'an A query for a Service that does not exist yet, then A queries from its creation on',
    expects:
      'its ClusterIP at the latest when the negative answer has run out (SOA TTL, SOA minimum) plus the slack',
    timeoutMs: 120_000,
    run: afterNegative,
  },
  {
    requirement: 'DNSF-003',
    sends: 'A queries from the moment that a Service is deleted',
    expects: 'NXDOMAIN at the latest when its TTL has run out plus the slack',
    timeoutMs: 120_000,
    run: deleted,
  },
  {
    requirement: 'DNSF-004',
    sends:
      'A queries while a Service is deleted and made again with another ClusterIP, until its TTL and the slack and five seconds more have passed',
    expects: 'the new ClusterIP within the bound, and never the old one after it',
    timeoutMs: 180_000,
    run: recreated,
  },
  {
    requirement: 'DNSF-009',
    sends:
      'queries for a Service, a headless Service and the namespace itself from the moment that the namespace is gone from the API',
    expects: 'NXDOMAIN for all of them within the bound',
    timeoutMs: 240_000,
    run: namespaceGone,
  },
]

const nobody = { selector: { app: 'nobody' } } as const

const count = 10

async function created(context: CheckContext): ReturnType<Check['run']> {
  const judgement = new Judgement()
  const thresholdMs = context.threshold('convergenceMs')
  const tookMs: number[] = []
  for (let at = 0; at < count; at += 1) {
    const turned = await make(context, judgement, `new-${at}`, thresholdMs)
    tookMs.push(turned.tookMs)
    if (!turned.ok) break
  }
  const observedMs = Math.max(...tookMs)
  return judgement.assessment(
    `${milliseconds(tookMs)}; recommended are ${context.threshold('recommendedP99Ms')} ms`,
    { convergence: { thresholdMs, observedMs } },
  )
}

async function afterNegative(context: CheckContext): ReturnType<Check['run']> {
  const judgement = new Judgement()
  const name = serviceName(context, 'late', context.namespace)
  await context.apply([service('early', [{ port: 80 }], nobody)])
  const early = { name: serviceName(context, 'early', context.namespace) }
  const data = [await clusterIpOf(context, context.namespace, 'early')]
  // why: the namespace has to be known, or the negative answer is another one
  await turnsInto(context, judgement, early, { label: 'early', state: { data }, withinMs: knownMs })
  if (!judgement.ok) return judgement.assessment('')
  const negative = await ask(context, { name })
  judgement.equal('before', 'NXDOMAIN', negative.kind === 'dns' ? negative.rcode : negative.kind)
  const rememberedMs = negativeTtlMs(negative)
  judgement.holds(
    'SOA',
    'in the authority section',
    rememberedMs === undefined ? 'none' : 'there',
    rememberedMs !== undefined,
  )
  if (!judgement.ok) return judgement.assessment('')
  const thresholdMs = (rememberedMs ?? 0) + context.threshold('slackMs')
  const { tookMs: observedMs } = await make(context, judgement, 'late', thresholdMs)
  return judgement.assessment(`after ${milliseconds([observedMs])}`, {
    convergence: { thresholdMs, observedMs },
  })
}

async function deleted(context: CheckContext): ReturnType<Check['run']> {
  const judgement = new Judgement()
  const { seen, ok } = await make(context, judgement, 'short', knownMs)
  if (!ok) return judgement.assessment('')
  const thresholdMs = ttlMs(seen) + context.threshold('slackMs')
  await removeNow(context, { apiVersion: 'v1', kind: 'Service' }, 'short')
  const { tookMs: observedMs } = await turnsInto(
    context,
    judgement,
    { name: serviceName(context, 'short', context.namespace) },
    { label: 'gone', state: { code: 'NXDOMAIN' }, withinMs: thresholdMs },
  )
  return judgement.assessment(`NXDOMAIN after ${milliseconds([observedMs])}`, {
    convergence: { thresholdMs, observedMs },
  })
}

/** How long the old address is looked for after it may no longer be seen, in ms. */
const watchMs = 5_000

async function recreated(context: CheckContext): ReturnType<Check['run']> {
  const judgement = new Judgement()
  const { seen, ok } = await make(context, judgement, 'again', knownMs)
  if (!ok) return judgement.assessment('')
  const old = await clusterIpOf(context, context.namespace, 'again')
  const thresholdMs = ttlMs(seen) + context.threshold('slackMs')
  await removeNow(context, { apiVersion: 'v1', kind: 'Service' }, 'again')
  // why: the address is free again, and must not come back by chance
  await context.apply([service('squatter', [{ port: 80 }], { ...nobody, clusterIP: old })])
  await context.apply([service('again', [{ port: 80 }], nobody)])
  const startedAt = performance.now()
  const data = [await clusterIpOf(context, context.namespace, 'again')]
  const question = { name: serviceName(context, 'again', context.namespace) }
  const { tookMs: observedMs } = await turnsInto(context, judgement, question, {
    label: 'the new ClusterIP',
    state: { data },
    withinMs: thresholdMs,
  })
  let lastOldMs = 0
  let looks = 0
  for (;;) {
    const now = performance.now() - startedAt
    if (now > thresholdMs + watchMs) break
    const answer = await ask(context, question)
    looks += 1
    if (dataOf(answer, 'A').includes(old)) lastOldMs = performance.now() - startedAt
    await delay(100, undefined, { signal: context.signal })
  }
  judgement.atMost(`last answer with the old ClusterIP, of ${looks}`, thresholdMs, lastOldMs)
  return judgement.assessment(
    `new after ${milliseconds([observedMs])}, old not seen in ${looks} looks after it`,
    { convergence: { thresholdMs, observedMs } },
  )
}

async function namespaceGone(context: CheckContext): ReturnType<Check['run']> {
  const judgement = new Judgement()
  const thresholdMs = context.threshold('convergenceMs')
  const namespace = `${context.namespace}-gone`
  const inside = (object: KubeObject): KubeObject => ({
    ...object,
    metadata: { ...object.metadata, namespace },
  })
  const made = await context.apply([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    inside(service('plain', [{ port: 80 }], nobody)),
    inside(headless('headless')),
    ...byHand('headless', [{ addresses: ['10.211.60.1'], hostname: 'pod' }], []).map(inside),
  ])
  const states = [
    [serviceName(context, 'plain', namespace), await clusterIpOf(context, namespace, 'plain')],
    [serviceName(context, 'headless', namespace), '10.211.60.1'],
    [serviceName(context, 'pod.headless', namespace), '10.211.60.1'],
  ] as const
  for (const [name, address] of states)
    await turnsInto(
      context,
      judgement,
      { name },
      { label: name, state: { data: [address] }, withinMs: knownMs },
    )
  if (!judgement.ok) return judgement.assessment('')
  await removeNow(context, { apiVersion: 'v1', kind: 'Namespace' }, namespace)
  const goneAt = performance.now()
  const names = [
    ...states.map(([name]) => name),
    `${namespace}.svc.${context.cluster.topology.clusterDomain}`,
  ]
  for (const name of names)
    await turnsInto(
      context,
      judgement,
      { name },
      {
        label: `${name} gone`,
        state: { code: 'NXDOMAIN' },
        withinMs: Math.max(0, thresholdMs - (performance.now() - goneAt)),
      },
    )
  const observedMs = performance.now() - goneAt
  await made[Symbol.asyncDispose]()
  return judgement.assessment(`all gone after ${milliseconds([observedMs])}`, {
    convergence: { thresholdMs, observedMs },
  })
}

async function make(
  context: CheckContext,
  judgement: Judgement,
  name: string,
  withinMs: number,
): ReturnType<typeof turnsInto> {
  await context.apply([service(name, [{ port: 80 }], nobody)])
  const startedAt = performance.now()
  const data = [await clusterIpOf(context, context.namespace, name)]
  const question = { name: serviceName(context, name, context.namespace) }
  const readMs = performance.now() - startedAt
  const turned = await turnsInto(context, judgement, question, {
    label: `${name} resolves`,
    state: { data },
    withinMs: withinMs - readMs,
  })
  return { ...turned, tookMs: turned.tookMs + readMs }
}
