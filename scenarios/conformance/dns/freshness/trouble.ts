import { setTimeout as delay } from 'node:timers/promises'
import { byHand } from '../../support/by-hand.ts'
import type { ApiFault, Check, CheckContext, Observation } from '../../../../harness/api.ts'
import { clusterIpOf } from '../../support/cluster-facts.ts'
import { describeAnswer, serviceName } from '../../support/dns.ts'
import { Judgement, skipped } from '../../support/judgement.ts'
import { service } from '../../support/objects.ts'
import { inPod } from '../../support/positions.ts'
import { knownMs } from '../expect.ts'
import { addresses } from '../headless.fixture.ts'
import { headless } from '../newest.ts'
import { removeNow } from './change.ts'
import { type Name, lookUps } from './look-ups.ts'
import { milliseconds, turnsInto } from './within.ts'

/** What names do while the API server or the target's own program is in trouble. These run alone. */
export const troubled: readonly Check[] = [
  {
    requirement: 'DNSF-011',
    sends:
      'queries for Services that were made, deleted and changed while every watch was cut, once watches stay open again',
    expects: 'the state of the API server within the bound',
    capabilities: ['api-fault'],
    timeoutMs: 120_000,
    run: (context) => catchesUp(context, false),
  },
  {
    requirement: 'DNSF-012',
    sends:
      'the same, but the API server forgot its history meanwhile: watches that go on where they were get 410 Gone',
    expects: 'the state of the API server within the bound: nothing lost, nothing that is gone',
    capabilities: ['api-fault'],
    timeoutMs: 120_000,
    run: (context) => catchesUp(context, true),
  },
  {
    requirement: 'DNSF-013',
    sends:
      'A queries for a Service and a headless Service, 20 each second, while the API server is gone for five seconds and comes back',
    expects: 'each is answered with the right addresses',
    timeoutMs: 300_000,
    run: apiServerGone,
  },
  {
    requirement: 'DNSF-014',
    sends:
      "A queries for a Service and a headless Service from a pod, 20 each second, while the target's program on that node is restarted",
    expects:
      'no answer but the right one, silence or SERVFAIL: a name that exists is never denied; the time to the first right answer after the gap is recorded',
    timeoutMs: 180_000,
    run: agentRestarted,
  },
]

const nobody = { selector: { app: 'nobody' } } as const

/** Answers in a row that show a state: of two servers a late one is missed once in a million times. */
const inARow = 20

async function catchesUp(context: CheckContext, compacted: boolean): ReturnType<Check['run']> {
  const judgement = new Judgement()
  const thresholdMs = context.threshold('convergenceMs')
  const [before = '', after = ''] = addresses(65, 2)
  const question = (name: string): { readonly name: string } => ({
    name: serviceName(context, name, context.namespace),
  })
  const clusterIp = async (name: string): Promise<string> =>
    clusterIpOf(context, context.namespace, name)
  await context.apply([
    service('stays', [{ port: 80 }], nobody),
    service('goes', [{ port: 80 }], nobody),
    headless('changes'),
    ...byHand('changes', [{ addresses: [before] }], []),
  ])
  const known = [
    ['stays', await clusterIp('stays')],
    ['goes', await clusterIp('goes')],
    ['changes', before],
  ] as const
  for (const [name, address] of known)
    await turnsInto(context, judgement, question(name), {
      label: `${name}, before`,
      state: { data: [address] },
      withinMs: knownMs,
      inARow,
    })
  if (!judgement.ok) return judgement.assessment('')
  await whileApi(context, { kind: 'cut-watch' }, async () => {
    await context.apply([
      service('comes', [{ port: 80 }], nobody),
      ...byHand('changes', [{ addresses: [after] }], []),
    ])
    await removeNow(context, { apiVersion: 'v1', kind: 'Service' }, 'goes')
    if (compacted) await whileApi(context, { kind: 'compact' }, () => Promise.resolve())
  })
  const healedAt = performance.now()
  const states = [
    ['stays', { data: [await clusterIp('stays')] }],
    ['comes', { data: [await clusterIp('comes')] }],
    ['changes', { data: [after] }],
    ['goes', { code: 'NXDOMAIN' }],
  ] as const
  for (const [name, state] of states)
    await turnsInto(context, judgement, question(name), {
      label: `${name}, after`,
      state,
      inARow,
      withinMs: Math.max(0, thresholdMs - (performance.now() - healedAt)),
    })
  const observedMs = performance.now() - healedAt
  return judgement.assessment(`all right ${milliseconds([observedMs])} after watches stayed open`, {
    convergence: { thresholdMs, observedMs },
  })
}

/** The API misbehaves towards everybody but the harness while `work` is done. */
async function whileApi(
  context: CheckContext,
  behaviour: ApiFault,
  work: () => Promise<void>,
): Promise<void> {
  const fault = await context.cluster.fault({ kind: 'api', behaviour }, context)
  try {
    await work()
  } finally {
    await fault[Symbol.asyncDispose]()
  }
}

/** How long the API server is gone where the harness decides about it. */
const awayMs = 5_000

async function apiServerGone(context: CheckContext): ReturnType<Check['run']> {
  const { cluster, signal } = context
  const judgement = new Judgement()
  const names = await existing(context, judgement)
  if (!judgement.ok) return judgement.assessment('')
  const master = cluster.nodes.find(({ role }) => role === 'master')
  const looking = lookUps(context, names)
  let how: string
  if (cluster.capabilities.has('api-fault')) {
    how = `refused every connection for ${awayMs / 1_000} s`
    await whileApi(context, { kind: 'refuse' }, async () => {
      await delay(awayMs, undefined, { signal })
    })
  } else if (cluster.capabilities.has('node-stop') && master !== undefined) {
    how = 'was killed and restarted'
    const killed = await cluster.fault(
      { kind: 'kill-component', node: master.name, component: 'kube-apiserver' },
      { signal },
    )
    await killed[Symbol.asyncDispose]()
  } else {
    await looking.stop()
    return skipped(`provider ${cluster.provider} can neither break nor kill its API server`)
  }
  // why: a second of the time in which everybody connects again
  await delay(1_000, undefined, { signal })
  const all = await looking.stop()
  judge(context, judgement, all, ({ right }) => right, 'wrong or missing answers')
  judgement.atLeast('lookups', 1, all.length, 'lookups')
  return judgement.assessment(`the API server ${how}; ${all.length} lookups, all right`)
}

async function agentRestarted(context: CheckContext): ReturnType<Check['run']> {
  const judgement = new Judgement()
  const names = await existing(context, judgement)
  if (!judgement.ok) return judgement.assessment('')
  const looking = lookUps(context, names)
  const startedAt = performance.now()
  await context.target.restart(inPod(context).node, 'term', context)
  for (const { question, data } of names)
    await turnsInto(context, judgement, question, {
      label: `${question.name}, after the restart`,
      state: { data },
      withinMs: knownMs,
      inARow,
    })
  // why: the first right answer may come from the program that is about to end
  await delay(2_000, undefined, context)
  const all = await looking.stop()
  const mayBe = ({ right, seen }: (typeof all)[number]): boolean =>
    right || seen.kind !== 'dns' || ['SERVFAIL', 'REFUSED'].includes(seen.rcode)
  judge(context, judgement, all, mayBe, 'answers that deny or change a name')
  const failed = all.filter(({ right }) => !right)
  const observedMs = Math.max(0, ...failed.map(({ endedAtMs }) => endedAtMs - startedAt))
  return judgement.assessment(
    `${all.length} lookups, ${failed.length} without an answer, the last one ${Math.round(observedMs)} ms after the signal`,
    { convergence: { thresholdMs: knownMs, observedMs } },
  )
}

function judge<
  T extends { readonly seen: Observation; readonly question: { readonly name: string } },
>(
  context: CheckContext,
  judgement: Judgement,
  all: readonly T[],
  accept: (one: T) => boolean,
  label: string,
): void {
  const wrong = all.filter((one) => !accept(one))
  const lines = wrong.map(({ question, seen }) => `${question.name}: ${describeAnswer(seen)}`)
  if (lines.length > 0) context.evidence('transcript', 'lookups', lines.join('\n'))
  judgement.holds(
    `${label}, of ${all.length} lookups`,
    '0',
    [String(wrong.length), ...lines.slice(0, 3)].join('; '),
    wrong.length === 0,
  )
}

/** A Service and a headless one that the target knows. */
async function existing(context: CheckContext, judgement: Judgement): Promise<readonly Name[]> {
  const all = addresses(66, 3)
  await context.apply([
    service('plain', [{ port: 80 }], nobody),
    headless('headless'),
    ...byHand(
      'headless',
      all.map((address) => ({ addresses: [address] })),
      [],
    ),
  ])
  const names = [
    { service: 'plain', data: [await clusterIpOf(context, context.namespace, 'plain')] },
    { service: 'headless', data: all },
  ].map(({ service: name, data }) => ({
    question: { name: serviceName(context, name, context.namespace) },
    data,
  }))
  for (const { question, data } of names)
    await turnsInto(context, judgement, question, {
      label: `${question.name}, before`,
      state: { data },
      withinMs: knownMs,
      inARow,
    })
  return names
}
