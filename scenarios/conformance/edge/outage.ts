import { setTimeout as delay } from 'node:timers/promises'
import type { ApiFault, Check, CheckContext } from '../../../harness/api.ts'
import { backends } from '../l4/backends.fixture.ts'
import { ask, describeAnswer } from '../support/dns.ts'
import { Judgement } from '../support/judgement.ts'
import { service } from '../support/objects.ts'
import { apiFault, apiUnreachable } from '../support/outage.ts'
import { inPod } from '../support/positions.ts'
import { describeSeen, keepLooking, nameHas, type Seen } from '../support/steady.ts'
import { clusterIpOf } from '../support/cluster-facts.ts'
import { serviceName } from '../support/dns.ts'
import { holdWithin, type Scene, whenKnown } from './scene.ts'

/** Longer than a node's lease (40 s), a watch and every keep-alive; what lasts so long lasts 10 minutes. */
const longOutageMs = 100_000

/** How long each misbehaviour of the API lasts: several tries of a client that waits up to 2 s between them. */
const misbehavesMs = 5_000

/** What was known stays while the API is away, or answers nonsense. */
export const outage: readonly Check[] = [
  {
    requirement: 'EDGE-OFF-001',
    sends: `queries for known names, one a second, while packets between the node and the API are dropped for ${longOutageMs / 1000} s`,
    expects: 'the same answer each time',
    capabilities: ['node-fault', 'node-access'],
    fixtures: [backends],
    timeoutMs: longOutageMs + 120_000,
    run: whenKnown(async (context, { names }) => {
      const outage = await apiUnreachable(context)
      const watch = keepLooking(context, names, { everyMs: 1_000 })
      await delay(longOutageMs, undefined, context)
      const seen = await watch.stop()
      await outage.end()
      return new Judgement()
        .atMost('failures', context.threshold('failures'), seen.wrong, 'answers')
        .atLeast('looks', longOutageMs / 1_000, seen.looks, 'looks')
        .assessment(describeSeen(seen))
    }),
  },
  {
    requirement: 'EDGE-OFF-003',
    sends:
      'a query for a name of the cluster that nobody has, while packets to the API are dropped',
    expects: 'NXDOMAIN, in time',
    capabilities: ['node-fault', 'node-access'],
    fixtures: [backends],
    run: whenKnown(async (context, { namespace }) => {
      await apiUnreachable(context)
      const judgement = new Judgement()
      const told: string[] = []
      for (const service of ['nobody-0', 'nobody-1', 'nobody-2']) {
        const seen = await ask(context, { name: serviceName(context, service, namespace) })
        judgement
          .equal(`${service}: rcode`, 'NXDOMAIN', seen.kind === 'dns' ? seen.rcode : seen.kind)
          .atMost(`${service}: answer`, context.threshold('answerMs'), seen.durationMs)
        told.push(describeAnswer(seen))
      }
      return judgement.assessment(told.join('; '))
    }),
  },
  {
    requirement: 'EDGE-OFF-010',
    sends: `queries and connections while every list of the API is empty for ${misbehavesMs / 1000} s, and every watch ends with 410, so that lists are needed`,
    expects: 'the same answers as before, none fails',
    capabilities: ['api-fault', 'node-access'],
    fixtures: [backends],
    run: whenKnown(async (context, { all }) => {
      // why: not of pods; a kubelet that is told of no pods ends them
      await apiFault(context, { kind: 'empty-list', match: '/services' })
      const empty = { kind: 'empty-list', match: '/endpoint' } as const
      const seen = await whileMisbehaving(context, all, empty, async () => {
        await forgetWatches(context)
      })
      return new Judgement()
        .holds('names and traffic', 'nothing lost', describeSeen(seen), seen.wrong === 0)
        .assessment(describeSeen(seen))
    }),
  },
  {
    requirement: 'EDGE-OFF-011',
    sends: `queries and connections while the API answers 401, 403, 500 and garbage, ${misbehavesMs / 1000} s each`,
    expects:
      'nothing fails, the agent uses less than a fifth of a core for its tries, logs what is wrong, and learns of a change afterwards',
    capabilities: ['api-fault', 'node-access'],
    fixtures: [backends],
    run: whenKnown(async (context, scene) => {
      const judgement = new Judgement()
      const node = inPod(context).node
      const faults: readonly ApiFault[] = [
        { kind: 'status', status: 401 },
        { kind: 'status', status: 403 },
        { kind: 'status', status: 500 },
        { kind: 'garbage' },
      ]
      for (const fault of faults) {
        const what = fault.kind === 'status' ? String(fault.status) : fault.kind
        const before = await context.target.usage(node, context)
        const seen = await whileMisbehaving(context, scene.all, fault, async () => {
          await forgetWatches(context)
        })
        const after = await context.target.usage(node, context)
        const percent = ((after.cpuUs - before.cpuUs) / (misbehavesMs * 1_000)) * 100
        judgement
          .holds(what, 'nothing lost', describeSeen(seen), seen.wrong === 0)
          .atMost(`${what}: CPU`, context.threshold('cpuPercentOfCore'), percent, '% of a core')
      }
      if (context.target.log !== undefined) {
        const seconds = (faults.length * misbehavesMs) / 1_000 + 10
        const lines = await context.target.log(node, seconds, context)
        judgement.atLeast('lines of its log about it', 1, lines.length, 'lines')
      }
      return judgement.assessment(await learns(context, judgement, scene))
    }),
  },
  {
    requirement: 'EDGE-OFF-012',
    sends:
      'queries and connections while every watch is answered with 410 Gone; then a new Service',
    expects: 'nothing fails meanwhile, and the new Service becomes known',
    capabilities: ['api-fault', 'node-access'],
    fixtures: [backends],
    run: whenKnown(async (context, scene) => {
      const watch = keepLooking(context, scene.all, { everyMs: 100 })
      await forgetWatches(context)
      const judgement = new Judgement()
      const told = await learns(context, judgement, scene)
      const seen = await watch.stop()
      judgement.holds('names and traffic', 'nothing lost', describeSeen(seen), seen.wrong === 0)
      return judgement.assessment(`${describeSeen(seen)}; ${told}`)
    }),
  },
]

/** Ends every watch; those who go on from where they were are told 410, and have to list. */
export async function forgetWatches(context: CheckContext): Promise<void> {
  await context.apply([service('unheard-of', [{ port: 80 }], { selector: { app: 'nobody' } })])
  const cut = await apiFault(context, { kind: 'cut-watch' })
  const compacted = await apiFault(context, { kind: 'compact' })
  await cut.end()
  await compacted.end()
}

async function whileMisbehaving(
  context: CheckContext,
  looks: Scene['all'],
  behaviour: ApiFault,
  begin: () => Promise<void>,
): Promise<Seen> {
  const fault = await apiFault(context, behaviour)
  await begin()
  const watch = keepLooking(context, looks, { everyMs: 100 })
  await delay(misbehavesMs, undefined, context)
  const seen = await watch.stop()
  await fault.end()
  return seen
}

/** A Service that is made now becomes known: the agent follows the API again. */
async function learns(
  context: CheckContext,
  judgement: Judgement,
  { namespace }: Scene,
): Promise<string> {
  const withinMs = context.threshold('convergenceMs')
  await context.apply([
    {
      ...service('late', [{ port: 80 }], { selector: { app: 'nobody' } }),
      metadata: { name: 'late', namespace },
    },
  ])
  const ip = await clusterIpOf(context, namespace, 'late')
  const name = serviceName(context, 'late', namespace)
  const look = nameHas(context, inPod(context), name, [ip])
  const { accepted, seen, tookMs } = await holdWithin(context, [look], withinMs)
  judgement.holds('a Service made afterwards', `known within ${withinMs} ms`, seen, accepted)
  return `a new Service was known after ${Math.round(tookMs)} ms`
}
