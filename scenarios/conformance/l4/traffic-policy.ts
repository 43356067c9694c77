import type { Check, CheckContext, Position } from '../../../harness/api.ts'
import { Judgement, skipped } from '../support/judgement.ts'
import { inPod, onHost } from '../support/positions.ts'
import { backends } from './backends.fixture.ts'
import { answeredBy, notAnswered } from './follow.ts'
import { hostPod, hostPorts } from './host-pods.ts'
import { ownPods } from './own-pods.ts'
import { endpointOf, fixturePods, ownService, terminating } from './own-service.ts'

const local = { internalTrafficPolicy: 'Local' } as const

/** internalTrafficPolicy: Local leaves the endpoints of the client's node. */
export const trafficPolicy: readonly Check[] = [
  {
    requirement: 'L4-ITP-001',
    sends: 'TCP connections from pods of two nodes to a Service with internalTrafficPolicy Local',
    expects:
      "the endpoint on the client's node answers; none answers on a node that lost its endpoint",
    fixtures: [backends],
    timeoutMs: 180_000,
    run: (context) => staysLocal(context, inPod),
  },
  {
    requirement: 'L4-ITP-002',
    sends: 'the same from the host network of two nodes',
    expects:
      "the endpoint on the client's node answers; none answers on a node that lost its endpoint",
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 180_000,
    run: (context) => staysLocal(context, onHost),
  },
  {
    requirement: 'L4-ITP-003',
    sends:
      'TCP connections from pods and hosts of two nodes to endpoints on the host network, internalTrafficPolicy Local',
    expects:
      "the endpoint on the client's node answers; none answers on a node that lost its endpoint",
    capabilities: ['node-access'],
    timeoutMs: 180_000,
    run: async (context) => {
      const listening = hostPorts(context)
      const [first, second] = await ownPods(
        context,
        ['host-0', 'host-1'].map((name, i) =>
          hostPod(context, name, context.nodes[i]?.name ?? '', listening),
        ),
      )
      if (first === undefined || second === undefined) throw new Error('want two pods')
      const own = await ownService(context, {
        ports: [{ port: 81, targetPort: listening.port }],
        spec: local,
        endpoints: [endpointOf(first), endpointOf(second)],
      })
      const judgement = new Judgement()
      const told: string[] = []
      const front = { host: own.host, port: 81 }
      for (const position of [inPod, onHost])
        for (const [i, pod] of [first, second].entries()) {
          const at = position(context, i)
          const { ok, told: line } = await answeredBy(
            context,
            judgement,
            `${at.network} ${at.node}`,
            { ...front, at },
            [pod.name],
          )
          if (!ok) return judgement.assessment('')
          told.push(line)
        }
      await own.setEndpoints([endpointOf(first)])
      for (const position of [inPod, onHost]) {
        const at = position(context, 1)
        const name = `${at.network} ${at.node}, without an endpoint`
        told.push((await notAnswered(context, judgement, name, { ...front, at })).told)
      }
      return judgement.assessment(told.join('; '))
    },
  },
  {
    requirement: 'L4-ITP-004',
    sends:
      "TCP connections to a Service with internalTrafficPolicy Local whose only endpoint on the client's node terminates",
    expects: 'the terminating endpoint answers; the ready one of another node never does',
    fixtures: [backends],
    timeoutMs: 180_000,
    run: async (context) => {
      if (!context.features.has('internalTrafficPolicy'))
        return skipped('the target does not claim internalTrafficPolicy')
      const [first, second] = await fixturePods(context)
      const own = await ownService(context, {
        spec: local,
        endpoints: [endpointOf(first), endpointOf(second)],
      })
      const judgement = new Judgement()
      const front = { at: inPod(context), host: own.host, port: 81 }
      const before = await answeredBy(context, judgement, 'ready', front, [first.name])
      if (!before.ok) return judgement.assessment('')
      await own.setEndpoints([endpointOf(first, terminating), endpointOf(second)])
      const elsewhere = { ...front, at: inPod(context, 1) }
      const other = await answeredBy(context, judgement, 'another node', elsewhere, [second.name])
      const after = await answeredBy(context, judgement, 'terminating', front, [first.name])
      return judgement.assessment([before.told, other.told, after.told].join('; '))
    },
  },
]

/** Two endpoints, one on each node; then the second node loses its own. */
async function staysLocal(
  context: CheckContext,
  position: (context: CheckContext, index: number) => Position,
): ReturnType<Check['run']> {
  const [first, second] = await fixturePods(context)
  const own = await ownService(context, {
    spec: local,
    endpoints: [endpointOf(first), endpointOf(second)],
  })
  const judgement = new Judgement()
  const told: string[] = []
  for (const [i, pod] of [first, second].entries()) {
    const front = { at: position(context, i), host: own.host, port: 81 }
    const seen = await answeredBy(context, judgement, front.at.node, front, [pod.name])
    if (!seen.ok) return judgement.assessment('')
    told.push(seen.told)
  }
  await own.setEndpoints([endpointOf(first)])
  const front = { at: position(context, 1), host: own.host, port: 81 }
  const name = `${front.at.node}, without an endpoint`
  told.push((await notAnswered(context, judgement, name, front)).told)
  const stays = { ...front, at: position(context, 0) }
  told.push((await answeredBy(context, judgement, 'the other node', stays, [first.name])).told)
  return judgement.assessment(told.join('; '))
}
