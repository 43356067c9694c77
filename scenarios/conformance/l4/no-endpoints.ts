import type { Check } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { fromFreshClient } from '../support/fresh-client.ts'
import { Judgement } from '../support/judgement.ts'
import { inPod, onHost } from '../support/positions.ts'
import { backends } from './backends.fixture.ts'
import { answeredBy, refused } from './follow.ts'
import { endpointOf, fixturePods, ownService } from './own-service.ts'

/** Services that nobody stands behind: a client is told at once. */
export const noEndpoints: readonly Check[] = [
  {
    requirement: 'L4-NOEP-001',
    sends: 'TCP connections to a Service without endpoints, from a pod and from the host network',
    expects: 'each is refused in time, while a Service beside it that has an endpoint answers',
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 120_000,
    run: async (context) => {
      const [pod] = await fixturePods(context)
      const beside = await ownService(context, { name: 'beside', endpoints: [endpointOf(pod)] })
      const empty = await ownService(context, { name: 'empty', endpoints: [] })
      const judgement = new Judgement()
      const told: string[] = []
      for (const at of [inPod(context), onHost(context)]) {
        const front = { at, port: 81 }
        const name = `${at.network} network`
        const known = await answeredBy(
          context,
          judgement,
          `the Service beside it, ${name}`,
          { ...front, host: beside.host },
          [pod.name],
        )
        if (!known.ok) break
        const { told: line } = await refused(context, judgement, name, {
          ...front,
          host: empty.host,
        })
        told.push(line)
      }
      return judgement.assessment(told.join('; '))
    },
  },
  {
    requirement: 'L4-NOEP-002',
    sends: 'datagrams from connected sockets to a UDP Service without endpoints',
    expects: 'each socket learns ECONNREFUSED (ICMP port unreachable) in time',
    fixtures: [backends],
    timeoutMs: 120_000,
    run: async (context) => {
      const [pod] = await fixturePods(context)
      const beside = await ownService(context, { name: 'beside', endpoints: [endpointOf(pod)] })
      const empty = await ownService(context, { name: 'empty', endpoints: [] })
      const at = inPod(context)
      const judgement = new Judgement()
      const known = await answeredBy(
        context,
        judgement,
        'the Service beside it',
        { at, host: beside.host, port: 81 },
        [pod.name],
      )
      if (!known.ok) return judgement.assessment('')
      const probe = await context.probe(at)
      const { accepted, seen } = await eventually(
        () =>
          probe.run(
            { kind: 'udp', host: empty.host, port: 83, send: 'who', timeoutMs: 3_000 },
            context,
          ),
        ({ kind }) => kind === 'refused',
        { withinMs: context.threshold('convergenceMs'), signal: context.signal },
      )
      const [judged = seen] = accepted
        ? await fromFreshClient(context, 'client', {
            transport: 'udp',
            host: empty.host,
            port: 83,
            count: 1,
          })
        : [seen]
      judgement.equal('a datagram comes to', 'refused', judged.kind)
      judgement.atMost('the refusal', context.threshold('refusedMs'), judged.durationMs)
      return judgement.assessment(`${judged.kind} after ${Math.round(judged.durationMs)} ms`)
    },
  },
  {
    requirement: 'L4-NOEP-003',
    sends: 'TCP connections to a Service whose last endpoint is taken out of its EndpointSlice',
    expects: 'the endpoint answers before; then each connection is refused in time',
    fixtures: [backends],
    timeoutMs: 120_000,
    run: async (context) => {
      const [pod] = await fixturePods(context)
      const own = await ownService(context, { endpoints: [endpointOf(pod)] })
      const front = { at: inPod(context), host: own.host, port: 81 }
      const judgement = new Judgement()
      const before = await answeredBy(context, judgement, 'before', front, [pod.name])
      if (!before.ok) return judgement.assessment('')
      await own.setEndpoints([])
      const after = await refused(context, judgement, 'after', front)
      return judgement.assessment(`${before.told}; ${after.told}`, {
        convergence: {
          thresholdMs: context.threshold('convergenceMs'),
          observedMs: after.tookMs,
        },
      })
    },
  },
]
