import { setTimeout as delay } from 'node:timers/promises'
import type { Assessment, Check, CheckContext } from '../../../harness/api.ts'
import { byHeader, destinationRule } from '../support/destination-rules.ts'
import { Judgement } from '../support/judgement.ts'
import { inPod } from '../support/positions.ts'
import { names, rules } from '../support/rules.fixture.ts'
import {
  type Front,
  followsStill,
  isHashed,
  isServed,
  isSpread,
  ownService,
  podsByValue,
  ruledService,
  valuesOf,
} from '../support/balance.ts'
import { type OddRule, oddRules } from './odd-rules.ts'
import { restartsOfOthers } from '../support/restarts.ts'

/** Informers of Kubernetes' client library look at everything again after so long where nobody tells them otherwise. */
const resyncMs = 15 * 60_000

/** How long until a Service that was just made is known (KubeProxyEndpointLagTimeout of kubernetes/kubernetes). */
const knownMs = 30_000

/** What becomes of DestinationRules that are made, changed, deleted, odd or absent. */
export const destinationRules: readonly Check[] = [
  {
    requirement: 'LB-DR-001',
    sends: `connections and requests to ${oddRules.length} Services whose DestinationRules say odd things, after these are made, after each says what another said, ${resyncMs / 60_000} minutes later, and after they are deleted`,
    expects:
      'every backend answers; a good rule that comes later takes effect; no container outside of the suite was restarted',
    fixtures: [rules],
    timeoutMs: resyncMs + 600_000,
    run: oddRulesDoNoHarm,
  },
  {
    requirement: 'LB-DR-002',
    sends:
      'requests with one value of a header before, while and after a DestinationRule hashes that header',
    expects: 'all backends, then one, then all again; each change within the bound',
    fixtures: [rules],
    run: async (context) => {
      const judgement = new Judgement()
      const own = await ownService(context)
      const front = { at: inPod(context), host: own.host }
      const spread = { value: 'one' }
      const before = { label: 'no rule', withinMs: knownMs, ...spread }
      if (!(await isSpread(context, judgement, front, names(3), before)))
        return judgement.assessment('')
      const rule = await context.apply([
        destinationRule(own.name, byHeader, { namespace: own.namespace }),
      ])
      const applied = await isHashed(context, judgement, front, 'the rule')
      if (!applied.accepted) return judgement.assessment('')
      await rule[Symbol.asyncDispose]()
      const removedAt = performance.now()
      await isSpread(context, judgement, front, names(3), { label: 'no rule again', ...spread })
      const observedMs = Math.max(applied.tookMs, performance.now() - removedAt)
      const thresholdMs = context.threshold('convergenceMs')
      return judgement.assessment(`in force and gone after ${Math.round(observedMs)} ms at most`, {
        convergence: { thresholdMs, observedMs },
      })
    },
  },
  {
    requirement: 'LB-DR-003',
    sends:
      'requests with one value of a header to a Service, which the host of a DestinationRule of another name denotes',
    expects: 'all backends, then one',
    fixtures: [rules],
    run: async (context) => {
      const judgement = new Judgement()
      const own = await ownService(context)
      const front = { at: inPod(context), host: own.host }
      const before = { label: 'no rule', value: 'one', withinMs: knownMs }
      if (!(await isSpread(context, judgement, front, names(3), before)))
        return judgement.assessment('')
      const host = `${own.name}.${own.namespace}.svc.${context.cluster.topology.clusterDomain}`
      const name = `rule-of-${own.name}`
      await context.apply([destinationRule(own.name, byHeader, { ...own, name, host })])
      const { tookMs } = await isHashed(context, judgement, front, `host ${host}`)
      return judgement.assessment('it counts for the Service that its host denotes', {
        convergence: { thresholdMs: context.threshold('convergenceMs'), observedMs: tookMs },
      })
    },
  },
  {
    requirement: 'LB-DR-004',
    sends:
      'requests with 40 values of a header, twice, from one client to a Service with sessionAffinity ClientIP and a DestinationRule that hashes the header',
    expects: 'one backend for all of them (affinity), or one for each value (the rule)',
    fixtures: [rules],
    run: async (context) => {
      const judgement = new Judgement()
      const own = await ruledService(context, judgement, byHeader, {
        spec: { sessionAffinity: 'ClientIP' },
      })
      const front = { at: inPod(context), host: own.host }
      if (!(await isHashed(context, judgement, front, 'before', { affinity: true })).accepted)
        return judgement.assessment('')
      // why: which of the two wins is seen only when both are known
      if (!(await followsStill(context, judgement, 'a rule made later')))
        return judgement.assessment('')
      const values = valuesOf(40, 'both')
      const once = await podsByValue(context, front, values)
      const twice = await podsByValue(context, front, values)
      const backends = [...new Set(once)].sort()
      judgement.equal('the second time', once, twice)
      judgement.set(
        'answers of no backend',
        [],
        backends.filter((pod) => !names(3).includes(pod)),
      )
      return judgement.assessment(
        backends.length === 1 ? 'affinity wins' : 'the rule wins, by the value of the header',
      )
    },
  },
]

async function oddRulesDoNoHarm(context: CheckContext): Promise<Assessment> {
  const { signal } = context
  const judgement = new Judgement()
  const before = await restartsOfOthers(context)
  const own = await Promise.all(oddRules.map(() => ownService(context)))
  const fronts = own.map(({ host }): Front => ({ at: inPod(context), host }))
  for (const one of own) await isServed(context, judgement, one)
  const put = async (from: number): Promise<readonly AsyncDisposable[]> =>
    Promise.all(
      own.map((one, index) => {
        const odd = oddRules[(index + from) % oddRules.length]
        return context.apply([
          {
            ...destinationRule(one.name, undefined, { namespace: one.namespace }),
            spec: { host: one.name, ...odd?.spec },
          },
        ])
      }),
    )
  const isFine = async (when: string, told: (index: number) => OddRule): Promise<boolean> => {
    if (!(await followsStill(context, judgement, `${when}: a good rule made later`))) return false
    for (const [index, front] of fronts.entries()) {
      const label = `${when}: ${told(index).name}`
      if (!(await isSpread(context, judgement, front, names(3), { label }))) return false
    }
    const now = await restartsOfOthers(context)
    judgement.equal(`${when}: containers restarted`, {}, more(before, now))
    return judgement.ok
  }
  const said =
    (from: number) =>
    (index: number): OddRule =>
      oddRules[(index + from) % oddRules.length] ?? { name: 'none', spec: {} }
  const made = await put(0)
  if (!(await isFine('made', said(0)))) return judgement.assessment('')
  await put(1)
  if (!(await isFine('changed', said(1)))) return judgement.assessment('')
  await delay(resyncMs, undefined, { signal })
  if (!(await isFine('after a resync', said(1)))) return judgement.assessment('')
  await Promise.all(made.map((one) => one[Symbol.asyncDispose]()))
  await isFine('deleted', () => ({ name: 'no rule', spec: {} }))
  return judgement.assessment(
    `${oddRules.map(({ name }) => name).join(', ')}: balanced, and nothing was restarted`,
  )
}

function more(
  before: Readonly<Record<string, number>>,
  now: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(now).filter(([pod, restarts]) => restarts > (before[pod] ?? 0)),
  )
}
