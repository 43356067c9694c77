import type { Check, CheckContext } from '../../../harness/api.ts'
import { byHand } from '../support/by-hand.ts'
import type { backendNames } from '../l4/backends.fixture.ts'
import { backends } from '../l4/backends.fixture.ts'
import { clusterIpOf, podsOf } from '../support/cluster-facts.ts'
import { ask, describeAnswer, serviceName } from '../support/dns.ts'
import { Judgement } from '../support/judgement.ts'
import { backendPod, everyPort, ports, service } from '../support/objects.ts'
import { apiFault, apiUnreachable } from '../support/outage.ts'
import { inPod } from '../support/positions.ts'
import { changedNode } from '../support/shell.ts'
import { describeSeen, keepLooking, type Look, nameHas, tcpAnswered } from '../support/steady.ts'
import { forgetWatches } from './outage.ts'
import { holdWithin, type Scene, whenKnown } from './scene.ts'

/** Ports of `web` in a hand-made EndpointSlice. */
const slicePorts = [{ name: 'tcp-0', port: ports.tcp }] as const

/** What changes while the API is away, slow or back becomes visible, and nobody is disturbed by it. */
export const changes: readonly Check[] = [
  {
    requirement: 'EDGE-OFF-008',
    sends:
      'a new Service and a change of endpoints while every answer of the API takes 2 s and 5 % of the packets from the node of the API are lost',
    expects: 'both become visible in time; no connection to a pod of the same node fails meanwhile',
    capabilities: ['api-fault', 'node-access'],
    fixtures: [backends],
    timeoutMs: 240_000,
    run: whenKnown(async (context, scene) => {
      const { local, look } = await changing(context)
      await apiFault(context, { kind: 'latency', delayMs: 2_000 })
      await loseAnswers(context)
      // why: a watch that is open delivers at once; a new one, and the list before it, wait
      await forgetWatches(context)
      const watch = keepLooking(context, [local], { everyMs: 100 })
      await context.apply([service('late', everyPort, { selector: { app: 'nobody' } })])
      const late = nameHas(
        context,
        inPod(context),
        serviceName(context, 'late', context.namespace),
        [await clusterIpOf(context, context.namespace, 'late')],
      )
      await pointElsewhere(context, scene)
      const withinMs = context.threshold('convergenceMs')
      const { accepted, seen, tookMs } = await holdWithin(context, [late, look], withinMs)
      const steady = await watch.stop()
      return new Judgement()
        .holds('both changes', `visible within ${withinMs} ms`, seen, accepted)
        .holds('traffic in the node', 'all answered', describeSeen(steady), steady.wrong === 0)
        .assessment(`visible after ${Math.round(tookMs)} ms; ${describeSeen(steady)}`, {
          convergence: { thresholdMs: withinMs, observedMs: tookMs },
        })
    }),
  },
  {
    requirement: 'EDGE-OFF-009',
    sends:
      'while packets to the API are dropped, a Service is made, one is deleted, and one gets other endpoints; then the API is back',
    expects: 'each change is visible in time after that',
    capabilities: ['node-fault', 'node-access'],
    fixtures: [backends],
    timeoutMs: 180_000,
    run: whenKnown(async (context, scene) => {
      const { look } = await changing(context)
      const doomed = await context.apply([
        service('doomed', everyPort, { selector: { app: 'nobody' } }),
      ])
      const doomedName = serviceName(context, 'doomed', context.namespace)
      const doomedIp = await clusterIpOf(context, context.namespace, 'doomed')
      const at = inPod(context)
      const known = await holdWithin(
        context,
        [nameHas(context, at, doomedName, [doomedIp])],
        context.threshold('convergenceMs'),
      )
      const judgement = new Judgement()
      judgement.holds('before the outage', 'every Service known', known.seen, known.accepted)
      const outage = await apiUnreachable(context)
      await context.apply([service('late', everyPort, { selector: { app: 'nobody' } })])
      await doomed[Symbol.asyncDispose]()
      await pointElsewhere(context, scene)
      const late = nameHas(context, at, serviceName(context, 'late', context.namespace), [
        await clusterIpOf(context, context.namespace, 'late'),
      ])
      await outage.end()
      const withinMs = context.threshold('convergenceMs')
      const { accepted, seen, tookMs } = await holdWithin(
        context,
        [late, look, isGone(context, doomedName)],
        withinMs,
      )
      return judgement
        .holds('all three changes', `visible within ${withinMs} ms`, seen, accepted)
        .assessment(`visible ${Math.round(tookMs)} ms after the API was back`, {
          convergence: { thresholdMs: withinMs, observedMs: tookMs },
        })
    }),
  },
  {
    requirement: 'EDGE-OFF-016',
    sends: 'a Service and its pod are made while the agent runs; its name and port are asked for',
    expects: 'both are answered in time, with nothing restarted',
    run: async (context) => {
      const at = inPod(context)
      await context.apply([
        backendPod({ name: 'fresh-0', image: context.backendImage, labels: { app: 'fresh' } }),
        service('fresh', everyPort),
      ])
      const ip = await clusterIpOf(context, context.namespace, 'fresh')
      const looks = [
        nameHas(context, at, serviceName(context, 'fresh', context.namespace), [ip]),
        tcpAnswered(context, at, ip, 81, ['fresh-0']),
      ]
      const withinMs = context.threshold('convergenceMs')
      const { accepted, seen, tookMs } = await holdWithin(context, looks, withinMs)
      return new Judgement()
        .holds('name and port', `answered within ${withinMs} ms`, seen, accepted)
        .assessment(`answered ${Math.round(tookMs)} ms after it was made`, {
          convergence: { thresholdMs: withinMs, observedMs: tookMs },
        })
    },
  },
]

interface Changing {
  /** The pod of the same node answers at the Service that does not change. */
  readonly local: Look
  /** The Service that changes is answered by the pod that it points at later. */
  readonly look: Look
}

/** A Service `near` with a pod of the client's node, and a Service `moving` that begins with the same pod. */
async function changing(context: CheckContext): Promise<Changing> {
  const at = inPod(context)
  const namespace = context.fixture(backends)
  const near = await addressOf(context, namespace, 'web-0')
  await context.apply([
    service('near', [{ name: 'tcp-0', port: 81 }], { selector: undefined }),
    service('moving', [{ name: 'tcp-0', port: 81 }], { selector: undefined }),
    ...byHand('near', [{ addresses: [near], nodeName: at.node }], slicePorts),
    ...byHand('moving', [{ addresses: [near], nodeName: at.node }], slicePorts),
  ])
  const local = tcpAnswered(
    context,
    at,
    await clusterIpOf(context, context.namespace, 'near'),
    81,
    ['web-0'],
  )
  const moving = await clusterIpOf(context, context.namespace, 'moving')
  await holdWithin(
    context,
    [local, tcpAnswered(context, at, moving, 81, ['web-0'])],
    context.threshold('convergenceMs'),
  )
  return { local, look: tcpAnswered(context, at, moving, 81, ['web-2']) }
}

async function pointElsewhere(context: CheckContext, { namespace }: Scene): Promise<void> {
  const address = await addressOf(context, namespace, 'web-2')
  const nodeName = inPod(context).node
  await context.apply(byHand('moving', [{ addresses: [address], nodeName }], slicePorts))
}

async function addressOf(
  context: CheckContext,
  namespace: string,
  pod: (typeof backendNames)[number],
): Promise<string> {
  const found = (await podsOf(context, namespace)).find(({ name }) => name === pod)
  if (found === undefined) throw new Error(`pod ${pod} has no address`)
  return found.ip
}

function isGone(context: CheckContext, name: string): Look {
  return {
    name,
    look: async () => {
      const seen = await ask(context, { name })
      return seen.kind === 'dns' && seen.rcode === 'NXDOMAIN' ? undefined : describeAnswer(seen)
    },
  }
}

/** Every 20th packet from the API's node is dropped on the way into the client's node. */
async function loseAnswers(context: CheckContext): Promise<void> {
  const master = context.cluster.nodes.find(({ role }) => role === 'master')?.address ?? ''
  await changedNode(context, 0, {
    todo: `nft delete table ip meshmark_loss 2>/dev/null || true
nft -f - <<'rules'
table ip meshmark_loss {
  chain in {
    type filter hook prerouting priority raw; policy accept;
    ip saddr ${master} numgen random mod 100 < 5 drop
  }
}
rules`,
    undo: 'nft delete table ip meshmark_loss',
  })
}
