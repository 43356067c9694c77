import type { Check } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { peerOf, request } from '../support/connect.ts'
import { Judgement } from '../support/judgement.ts'
import { onHost } from '../support/positions.ts'
import { backends } from './backends.fixture.ts'
import { answeredBy, look, notAnswered } from './follow.ts'
import { freeNodePort, nodePortOf } from './node-port-facts.ts'
import { endpointOf, fixturePods, ownService, terminating } from './own-service.ts'

/** externalTrafficPolicy: Local, asked from the other node: what comes from outside stays on the node that it came to. */
export const externalPolicy: readonly Check[] = [
  {
    requirement: 'L4-ETP-001',
    sends:
      "TCP connections from another node's host to a NodePort with externalTrafficPolicy Local",
    expects:
      "the asked node's endpoint answers and sees the client's address, also while it terminates; a node without one is silent",
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 180_000,
    run: async (context) => {
      const [first, second] = await fixturePods(context)
      const own = await ownService(context, {
        ports: [{ port: 81, targetPort: 8081 }],
        spec: { type: 'NodePort', externalTrafficPolicy: 'Local' },
        endpoints: [endpointOf(first), endpointOf(second)],
      })
      const port = await nodePortOf(context, own.name)
      const [a, b] = context.nodes
      if (a === undefined || b === undefined) throw new Error('want two nodes')
      const toA = { at: onHost(context, 1), host: a.address, port }
      const toB = { at: onHost(context, 0), host: b.address, port }
      const judgement = new Judgement()
      const told: string[] = []
      for (const [front, pod, client] of [
        [toA, first, b],
        [toB, second, a],
      ] as const) {
        const seen = await answeredBy(context, judgement, pod.node, front, [pod.name])
        if (!seen.ok) return judgement.assessment('')
        const peers = (await look(context, front, 5)).answers.map(({ answer }) =>
          (peerOf(answer) ?? answer).replace(/:\d+$/, ''),
        )
        judgement.set(`${pod.node}: clients that it sees`, [client.address], new Set(peers))
        told.push(seen.told)
      }
      if (context.features.has('terminatingEndpoints')) {
        await own.setEndpoints([endpointOf(first, terminating), endpointOf(second)])
        const other = await answeredBy(context, judgement, 'the other', toB, [second.name])
        const seen = await answeredBy(context, judgement, 'terminating', toA, [first.name])
        told.push(other.told, seen.told)
      }
      await own.setEndpoints([endpointOf(first)])
      told.push((await notAnswered(context, judgement, 'without an endpoint', toB)).told)
      return judgement.assessment(told.join('; '))
    },
  },
  {
    requirement: 'L4-ETP-002',
    sends: 'HTTP requests to the healthCheckNodePort before and after the last endpoint terminates',
    expects: '200 while an endpoint on the node is ready, 503 when only terminating ones are left',
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 180_000,
    run: async (context) => {
      const [first, second] = await fixturePods(context)
      const healthCheckNodePort = await freeNodePort(context)
      const own = await ownService(context, {
        ports: [{ port: 81, targetPort: 8081 }],
        spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort },
        endpoints: [endpointOf(first), endpointOf(second)],
      })
      const url = `http://${context.nodes[0]?.address ?? ''}:${healthCheckNodePort}/healthz`
      const judgement = new Judgement()
      const told: string[] = []
      for (const [endpoint, status] of [
        [endpointOf(first), 200],
        [endpointOf(first, terminating), 503],
      ] as const) {
        await own.setEndpoints([endpoint, endpointOf(second)])
        const { seen, tookMs } = await eventually(
          async () => {
            const one = await request(context, onHost(context, 1), url)
            return one.kind === 'http' ? one.status : one.kind
          },
          (one) => one === status,
          { withinMs: context.threshold('convergenceMs'), signal: context.signal },
        )
        const what = status === 200 ? 'ready' : 'only terminating'
        judgement.equal(`${what}: health check`, status, seen)
        told.push(`${what}: ${seen} after ${Math.round(tookMs)} ms`)
        if (!judgement.ok) break
      }
      return judgement.assessment(told.join('; '))
    },
  },
]
