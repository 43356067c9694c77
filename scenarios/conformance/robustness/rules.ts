import type { Check, CheckContext, KubeObject } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { backends } from '../l4/backends.fixture.ts'
import { endpointOf, fixturePods, ownService } from '../l4/own-service.ts'
import { objectOf } from '../support/cluster-facts.ts'
import { volley } from '../support/connect.ts'
import {
  defineDestinationRules,
  destinationRule,
  hashedHeader,
  istioGroup,
} from '../support/destination-rules.ts'
import { Judgement, skipped } from '../support/judgement.ts'
import { restarted } from '../support/outage.ts'
import { inPod } from '../support/positions.ts'
import { rules as followedRules } from '../support/rules.fixture.ts'
import { staysAlive } from './alive.ts'

const usual = {
  capabilities: ['node-access'],
  fixtures: [backends],
  timeoutMs: 300_000,
} as const satisfies Partial<Check>

const objectCount = 200

/** Values that have no place where they are put. */
const oddities: readonly unknown[] = [
  {},
  [],
  [null],
  '',
  'ROUND_ROBIN',
  '\u0000',
  -1,
  1e300,
  true,
  { simple: 7 },
  { simple: 'PASSTHROUGH' },
  { simple: 'NOBODY' },
  { consistentHash: {} },
  { consistentHash: { httpCookie: {} } },
  { consistentHash: { httpHeaderName: [], useSourceIp: 'yes' } },
  { consistentHash: { httpHeaderName: 'x', minimumRingSize: -5 } },
  { simple: 'RANDOM', consistentHash: { useSourceIp: true } },
  { localityLbSetting: { distribute: [{ from: 7 }] }, warmupDurationSecs: 'soon' },
]

/** Places of a DestinationRule where they are put. */
const places: readonly ((odd: unknown) => Readonly<Record<string, unknown>>)[] = [
  (odd) => ({ trafficPolicy: { loadBalancer: odd } }),
  (odd) => ({ trafficPolicy: odd }),
  (odd) => ({ host: odd }),
  (odd) => ({ subsets: odd }),
  (odd) => ({ subsets: [{ name: 'v1', labels: odd, trafficPolicy: { loadBalancer: odd } }] }),
  (odd) => ({ trafficPolicy: { portLevelSettings: odd } }),
  (odd) => ({ trafficPolicy: { portLevelSettings: [{ port: odd, loadBalancer: odd }] } }),
  (odd) => ({ trafficPolicy: { connectionPool: odd, outlierDetection: odd, tls: odd } }),
  (odd) => ({ exportTo: odd, workloadSelector: odd }),
]

/** Each value in each place, as the index goes on. */
function oddSpec(index: number): Readonly<Record<string, unknown>> {
  const place = places[index % places.length]
  const odd = oddities[Math.floor(index / places.length) % oddities.length]
  return { host: 'alive', ...place?.(odd) }
}

/** Istio's objects as they come from people and other programs. */
export const rules: readonly Check[] = [
  {
    ...usual,
    // why: a target that looks for the definitions now and then sees nothing of rules that are gone before it looks
    fixtures: [backends, followedRules],
    requirement: 'ROB-CR-001',
    sends:
      'TCP connections from a pod to a Service, after 200 invalid or unsupported DestinationRules for it and others were added, updated and deleted',
    expects: 'it is answered by its endpoint; the agents are the same processes',
    run: staysAlive(async ({ context }) => {
      const { kube } = context.cluster
      const rule = (index: number, spec: object): KubeObject =>
        destinationRule('alive', undefined, { name: index === 0 ? 'alive' : `odd-${index}`, spec })
      const type = await kube.typeOf(rule(0, {}), context)
      const all = Array.from({ length: objectCount }, (_, index) => index)
      const refused = await inTurns(all, async (index) => {
        await context.apply([rule(index, oddSpec(index))])
      })
      const there = all.filter((index) => !refused.includes(index))
      await inTurns(there, async (index) => {
        await context.apply([rule(index, oddSpec(index + 7))])
      })
      await inTurns([...there].reverse(), async (index) => {
        const { name } = rule(index, {}).metadata
        await kube.delete(type, { namespace: context.namespace, name }, context)
      })
      if (there.length < objectCount / 2)
        throw new Error(`the API took ${there.length} of ${objectCount} objects only`)
      return `${there.length} objects added, updated, deleted (${refused.length} refused by the API)`
    }),
  },
  {
    ...usual,
    requirement: 'ROB-CR-002',
    capabilities: ['node-access', 'own-cluster'],
    sends:
      'HTTP requests with one header from a pod to a Service of three endpoints, when the agent was started without DestinationRules in the API, they are defined afterwards, and one says that this header is hashed',
    expects: 'they come to one endpoint, where they came to several before',
    run: async (context) => {
      if (!context.features.has('consistentHash'))
        return skipped('the target does not claim consistentHash, by which a rule would show')
      const pods = await fixturePods(context)
      const own = await ownService(context, { endpoints: pods.map((pod) => endpointOf(pod)) })
      const judgement = new Judgement()
      const define = await undefine(context)
      await restarted(context, 0, 'kill')
      await context.target.ready(context)
      const answering = async (): Promise<number> => (await askedBy(context, own.host)).length
      const before = await eventually(answering, (count) => count > 1, {
        withinMs: context.threshold('convergenceMs'),
        signal: context.signal,
      })
      judgement.atLeast('endpoints that answer before', 2, before.seen, 'endpoints')
      if (!before.accepted) return judgement.assessment('')
      await define()
      await context.apply([
        destinationRule('own', { consistentHash: { httpHeaderName: hashedHeader } }),
      ])
      const after = await eventually(answering, (count) => count === 1, {
        withinMs: context.threshold('convergenceMs'),
        everyMs: 500,
        signal: context.signal,
      })
      judgement.equal('endpoints that answer after', 1, after.seen)
      return judgement.assessment(
        `${before.seen} endpoints, then ${after.seen} after ${Math.round(after.tookMs)} ms`,
        {
          convergence: {
            thresholdMs: context.threshold('convergenceMs'),
            observedMs: after.tookMs,
          },
        },
      )
    },
  },
]

/** Does something for each, ten at a time; gives those that the API refused. */
async function inTurns(
  items: readonly number[],
  work: (item: number) => Promise<void>,
): Promise<readonly number[]> {
  const refused: number[] = []
  const left = [...items]
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) {
      const index = item
      await work(index).catch(() => refused.push(index))
    }
  }
  await Promise.all(Array.from({ length: 10 }, worker))
  return refused
}

/** Names of the endpoints that answer requests which all bear the same header. */
async function askedBy(context: CheckContext, host: string): Promise<readonly string[]> {
  const headers = [[hashedHeader, 'somebody']] as const
  const seen = await volley(context, inPod(context), {
    host,
    port: 80,
    connections: 20,
    concurrency: 5,
    http: [{ path: '/', headers }],
  })
  return seen.answers.map(({ answer }) => answer)
}

/**
 * Takes the definition of DestinationRules out of the API, and waits until none is served. Gives what puts it back, which
 * is done after the check at the latest.
 */
async function undefine(context: CheckContext): Promise<() => Promise<void>> {
  const { kube } = context.cluster
  await defineDestinationRules(context)
  const type = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' }
  const definitions = await kube.typeOf(type, context)
  const name = `destinationrules.${istioGroup}`
  const { spec } = await objectOf(context, type, { name })
  let isBack = false
  const putBack = async (signal: AbortSignal): Promise<void> => {
    if (isBack) return
    await context.cluster.apply([{ ...type, metadata: { name }, spec }], { signal })
    await served(context, true, signal)
    isBack = true
  }
  context.keep({ [Symbol.asyncDispose]: () => putBack(AbortSignal.timeout(definedMs)) })
  await kube.delete(definitions, { name }, context)
  await served(context, false, context.signal)
  return () => putBack(context.signal)
}

/** How long the API may take to serve a definition, or to forget it. */
const definedMs = 30_000

async function served(context: CheckContext, wanted: boolean, signal: AbortSignal): Promise<void> {
  const path = `/apis/${istioGroup}/v1beta1/destinationrules?limit=1`
  const { accepted } = await eventually(
    async () => (await context.cluster.kube.request('GET', path, { signal })).status,
    (status) => (status === 200) === wanted,
    { withinMs: definedMs, signal },
  )
  if (!accepted) throw new Error(`DestinationRules are ${wanted ? 'not ' : ''}served still`)
}
