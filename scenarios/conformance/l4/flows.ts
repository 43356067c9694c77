import type { Check, CheckContext } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import {
  describeWho,
  packets,
  socketSending,
  type UdpFront,
  whoAnswers,
  type WhoAnswers,
} from '../support/datagrams.ts'
import { Judgement } from '../support/judgement.ts'
import { inPod } from '../support/positions.ts'
import { backends } from './backends.fixture.ts'
import { known } from './datagrams.ts'
import { endpointOf, fixturePods, ownService, unready } from './own-service.ts'

/** Source ports of clients that go on, one per check: below those that the kernel gives away. */
const [replacedPort, recoveringPort] = [20_005, 20_006]

const flowsAtOnce = 500

/** UDP flows whose endpoints change, and flows in large numbers. */
export const flows: readonly Check[] = [
  {
    requirement: 'L4-UDP-005',
    sends:
      'datagrams without a pause from one source port, while the only endpoint is removed and then another comes',
    expects: 'the first endpoint answers; then, on the same flow, the new one, and only it',
    fixtures: [backends],
    timeoutMs: 180_000,
    run: async (context) => {
      const [old, next] = await fixturePods(context)
      const own = await ownService(context, { endpoints: [endpointOf(old)] })
      const front = { at: inPod(context), host: own.host, port: 83 }
      const judgement = new Judgement()
      const before = await goesOn(context, front, replacedPort, answeredBy(old.name))
      judgement.set('before: answers', [old.name], new Set(before.seen.pods))
      if (!before.accepted) return judgement.assessment('')
      await own.setEndpoints([])
      // why: not judged; a pod that was replaced is gone and answers nobody, this one could
      for (let time = 0; time < 5; time += 1)
        await whoAnswers(context, front, { localPort: replacedPort, timeoutMs: 200 })
      await own.setEndpoints([endpointOf(next)])
      const after = await goesOn(context, front, replacedPort, answeredBy(next.name))
      const more = await whoAnswers(context, front, { localPort: replacedPort, timeoutMs: 3_000 })
      judgement.set('after: answers', [next.name], new Set([...after.seen.pods, ...more.pods]))
      return judgement.assessment(
        `${old.name}, then ${describeWho(more)} after ${Math.round(after.tookMs)} ms`,
        {
          convergence: {
            thresholdMs: context.threshold('convergenceMs'),
            observedMs: after.tookMs,
          },
        },
      )
    },
  },
  {
    requirement: 'L4-UDP-006',
    sends:
      'datagrams without a pause from one source port, first while the only endpoint is unready, then ready',
    expects: 'none is answered at first; then the endpoint answers on the same flow',
    fixtures: [backends],
    timeoutMs: 180_000,
    run: async (context) => {
      const [pod, other] = await fixturePods(context)
      const beside = await ownService(context, { name: 'beside', endpoints: [endpointOf(other)] })
      const own = await ownService(context, { endpoints: [endpointOf(pod, unready)] })
      const at = inPod(context)
      const front = { at, host: own.host, port: 83 }
      const judgement = new Judgement()
      if (!(await known(context, judgement, { ...front, host: beside.host })))
        return judgement.assessment('')
      const before: WhoAnswers[] = []
      for (let time = 0; time < 10; time += 1)
        before.push(await whoAnswers(context, front, { localPort: recoveringPort, timeoutMs: 200 }))
      judgement.set(
        'while it is unready: answers',
        [],
        before.flatMap(({ pods }) => pods),
      )
      await own.setEndpoints([endpointOf(pod)])
      const after = await goesOn(context, front, recoveringPort, answeredBy(pod.name))
      judgement.set('when it is ready: answers', [pod.name], new Set(after.seen.pods))
      return judgement.assessment(
        `${describeWho(after.seen)} after ${Math.round(after.tookMs)} ms`,
        {
          convergence: {
            thresholdMs: context.threshold('convergenceMs'),
            observedMs: after.tookMs,
          },
        },
      )
    },
  },
  {
    requirement: 'L4-UDP-007',
    sends:
      'a datagram from each of 2000 source ports of a pod to an endpoint on another node, then one from a new port',
    expects:
      'all are answered, the last one, too; the open files of the data plane on both nodes go back to where they were',
    capabilities: ['multi-node'],
    fixtures: [backends],
    timeoutMs: 180_000,
    run: async (context) => {
      const at = inPod(context)
      const pod = (await fixturePods(context)).find(({ node }) => node !== at.node)
      if (pod === undefined) throw new Error('every backend is on one node')
      const own = await ownService(context, { endpoints: [endpointOf(pod)] })
      const front = { at, host: own.host, port: 83 }
      const judgement = new Judgement()
      if (!(await known(context, judgement, front))) return judgement.assessment('')
      const nodes = [at.node, pod.node]
      const openFiles = async (): Promise<readonly number[]> =>
        Promise.all(
          nodes.map(async (node) => (await context.target.usage(node, context)).openFiles),
        )
      const before = await openFiles()
      let answers = 0
      for (let batch = 0; batch < 2_000 / flowsAtOnce; batch += 1) {
        const seen = await packets(context, at, {
          host: own.host,
          port: 83,
          sockets: Array.from({ length: flowsAtOnce }, () => socketSending(['x'])),
          expect: flowsAtOnce,
          timeoutMs: 10_000,
        })
        answers += new Set(seen.received.map(({ socket }) => socket)).size
      }
      judgement.equal('flows that were answered', 2_000, answers)
      const last = await whoAnswers(context, front, { timeoutMs: 3_000 })
      judgement.set('a new flow is answered by', [pod.name], new Set(last.pods))
      const most = context.threshold('handlesLeft')
      const { seen: after } = await eventually(
        openFiles,
        (now) => now.every((files, index) => files - (before[index] ?? 0) <= most),
        { withinMs: context.threshold('convergenceMs'), everyMs: 500, signal: context.signal },
      )
      for (const [index, node] of nodes.entries())
        judgement.atMost(
          `${node}: more open files than before`,
          most,
          (after[index] ?? Infinity) - (before[index] ?? 0),
          'files',
        )
      return judgement.assessment(
        `${answers} flows answered; open files ${before.join(', ')}, then ${after.join(', ')}`,
      )
    },
  },
]

function answeredBy(name: string): (seen: WhoAnswers) => boolean {
  return ({ pods, unanswered }) => unanswered === 0 && pods.every((pod) => pod === name)
}

/** A client that never rests: one datagram after the other from one port, so that its flow is never forgotten. */
function goesOn(
  context: CheckContext,
  front: UdpFront,
  localPort: number,
  accept: (seen: WhoAnswers) => boolean,
): ReturnType<typeof eventually<WhoAnswers>> {
  return eventually(() => whoAnswers(context, front, { localPort, timeoutMs: 500 }), accept, {
    withinMs: context.threshold('convergenceMs'),
    signal: context.signal,
  })
}
