import type { Check, CheckContext } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { describeVolley, failuresOf, podsAnswering, volley } from '../support/connect.ts'
import { describeWho, whoAnswers } from '../support/datagrams.ts'
import { Judgement } from '../support/judgement.ts'
import { inPod, onHost } from '../support/positions.ts'
import { sourceAddresses } from '../support/source-addresses.ts'
import { backends } from './backends.fixture.ts'
import { answeredBy, type Front, look, podsIn } from './follow.ts'
import {
  endpointOf,
  fixturePods,
  ownService,
  type OwnService,
  patchService,
} from './own-service.ts'

/** AffinityConfirmCount of kubernetes/kubernetes test/e2e/network is 15. */
const inARow = 20

/** A Service with affinity over all backends of the fixture. */
export async function sticky(context: CheckContext, timeoutSeconds?: number): Promise<OwnService> {
  const pods = await fixturePods(context)
  return ownService(context, {
    spec: {
      sessionAffinity: 'ClientIP',
      ...(timeoutSeconds !== undefined && {
        sessionAffinityConfig: { clientIP: { timeoutSeconds } },
      }),
    },
    endpoints: pods.map((pod) => endpointOf(pod)),
  })
}

/** Looks until every connection is answered, by one backend alone; gives it, when it was so once more. */
export async function sticksTo(
  context: CheckContext,
  judgement: Judgement,
  what: string,
  front: Front,
): Promise<string | undefined> {
  const { accepted, seen } = await eventually(
    () => look(context, front, inARow, 1_000),
    (one) => failuresOf(one) === 0 && podsIn(one).length === 1,
    { withinMs: context.threshold('convergenceMs'), signal: context.signal },
  )
  const judged = accepted ? await look(context, front, inARow) : seen
  judgement.equal(`${what}: failures`, {}, judged.failures)
  const pods = [...new Set([...podsIn(seen), ...podsIn(judged)])]
  judgement.holds(
    `${what}: backends of ${inARow} connections in a row`,
    'one',
    describeVolley(judged),
    pods.length === 1,
  )
  return failuresOf(judged) === 0 && pods.length === 1 ? pods[0] : undefined
}

/** sessionAffinity ClientIP, as far as no time has to pass. */
export const affinity: readonly Check[] = [
  {
    requirement: 'L4-AFF-001',
    sends: `${inARow} TCP connections in a row from a pod, and from the host network, to a Service with affinity`,
    expects: 'all connections of a client are answered by one backend',
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 120_000,
    run: async (context) => {
      const { host } = await sticky(context)
      const judgement = new Judgement()
      const told: string[] = []
      for (const at of [inPod(context), onHost(context)]) {
        const name = `${at.network} network`
        const pod = await sticksTo(context, judgement, name, { at, host, port: 81 })
        if (pod === undefined) break
        told.push(`${name}: ${pod}`)
      }
      return judgement.assessment(told.join('; '))
    },
  },
  {
    requirement: 'L4-AFF-002',
    sends:
      'one TCP connection from each of 64 source addresses to a Service with affinity and 3 backends',
    expects: 'at least 2 backends answer',
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 120_000,
    run: async (context) => {
      const { host } = await sticky(context)
      const at = onHost(context)
      const localAddresses = await sourceAddresses(context, 0, 64)
      const { seen } = await eventually(
        () =>
          volley(context, at, {
            host,
            port: 81,
            connections: localAddresses.length,
            concurrency: 16,
            localAddresses,
          }),
        (one) => failuresOf(one) === 0,
        { withinMs: context.threshold('convergenceMs'), signal: context.signal },
      )
      const judgement = new Judgement()
        .equal('failures', {}, seen.failures)
        .atLeast('backends', 2, podsAnswering(seen).size, 'backends')
      return judgement.assessment(describeVolley(seen))
    },
  },
  {
    requirement: 'L4-AFF-005',
    sends: 'TCP connections from a pod while sessionAffinity changes None → ClientIP → None',
    expects: 'all backends answer, then one alone, then all again',
    fixtures: [backends],
    timeoutMs: 150_000,
    run: async (context) => {
      const pods = await fixturePods(context)
      const names = pods.map(({ name }) => name)
      const own = await ownService(context, { endpoints: pods.map((pod) => endpointOf(pod)) })
      const front = { at: inPod(context), host: own.host, port: 81 }
      const judgement = new Judgement()
      if ((await answeredBy(context, judgement, 'None', front, names)).ok) {
        await patchService(context, own.name, { spec: { sessionAffinity: 'ClientIP' } })
        if ((await sticksTo(context, judgement, 'ClientIP', front)) !== undefined) {
          await patchService(context, own.name, {
            spec: { sessionAffinity: 'None', sessionAffinityConfig: null },
          })
          await answeredBy(context, judgement, 'None again', front, names)
        }
      }
      return judgement.assessment('three backends, one, three')
    },
  },
  {
    requirement: 'L4-AFF-007',
    sends:
      'TCP connections from a pod before and after the backend that it sticks to leaves the EndpointSlice',
    expects: 'every later connection is answered, by one of the backends that are left',
    fixtures: [backends],
    timeoutMs: 120_000,
    run: async (context) => {
      const pods = await fixturePods(context)
      const own = await sticky(context)
      const front = { at: inPod(context), host: own.host, port: 81 }
      const judgement = new Judgement()
      const before = await sticksTo(context, judgement, 'before', front)
      if (before === undefined) return judgement.assessment('')
      await own.setEndpoints(
        pods.filter(({ name }) => name !== before).map((pod) => endpointOf(pod)),
      )
      const { seen, tookMs } = await eventually(
        () => look(context, front, inARow, 1_000),
        (one) => failuresOf(one) === 0 && !podsIn(one).includes(before),
        { withinMs: context.threshold('convergenceMs'), signal: context.signal },
      )
      const judged = [seen, await look(context, front, inARow)]
      for (const one of judged) judgement.equal('after: failures', {}, one.failures)
      judgement.holds(
        'after: pods that answer',
        `not ${before}`,
        judged.map(describeVolley).join('; '),
        judged.every((one) => !podsIn(one).includes(before)),
      )
      return judgement.assessment(`${before}, then ${describeVolley(seen)}`, {
        convergence: { thresholdMs: context.threshold('convergenceMs'), observedMs: tookMs },
      })
    },
  },
  {
    requirement: 'L4-AFF-008',
    sends: `a datagram from each of ${inARow} sockets of one client to a UDP Service with affinity`,
    expects: 'all are answered by one backend',
    fixtures: [backends],
    timeoutMs: 120_000,
    run: async (context) => {
      const { host } = await sticky(context)
      const front = { at: inPod(context), host, port: 83 }
      const ask = (): ReturnType<typeof whoAnswers> =>
        whoAnswers(context, front, { sockets: inARow })
      const { seen } = await eventually(
        ask,
        ({ pods, unanswered }) => unanswered === 0 && new Set(pods).size === 1,
        { withinMs: context.threshold('convergenceMs'), signal: context.signal },
      )
      const judged = await whoAnswers(context, front, { sockets: inARow, timeoutMs: 3_000 })
      const judgement = new Judgement()
        .equal('sockets without an answer', 0, judged.unanswered)
        .equal('backends', 1, new Set([...seen.pods, ...judged.pods]).size)
      return judgement.assessment(describeWho(judged))
    },
  },
]
