import type { Check, CheckContext } from '../../../harness/api.ts'
import { Judgement, skipped } from '../support/judgement.ts'
import { inPod } from '../support/positions.ts'
import { putInZone } from '../support/zones.ts'
import { backends } from './backends.fixture.ts'
import { answeredBy } from './follow.ts'
import { endpointOf, fixturePods, ownService } from './own-service.ts'

/** trafficDistribution, as the hints in EndpointSlices carry it to the nodes. */
export const trafficDistribution: readonly Check[] = [
  {
    requirement: 'L4-TD-001',
    sends: 'TCP connections from pods of nodes in three zones, two of which have an endpoint',
    expects: "a client reaches only its zone's endpoint, the one without any reaches both",
    fixtures: [backends],
    timeoutMs: 180_000,
    run: async (context) => {
      const [first, second] = await fixturePods(context)
      return distributed(context, {
        zones: ['one', 'two', 'three'],
        endpoints: [endpointOf(first, inZone('one')), endpointOf(second, inZone('two'))],
        reached: [[first.name], [second.name], [first.name, second.name]],
      })
    },
  },
  {
    requirement: 'L4-TD-002',
    sends: 'TCP connections from pods of two nodes in one zone, and of one in another',
    expects: 'both nodes of a zone reach every endpoint of it, and no other',
    fixtures: [backends],
    timeoutMs: 180_000,
    run: async (context) => {
      const [first, second, third] = await fixturePods(context)
      const near = [first.name, second.name]
      return distributed(context, {
        zones: ['one', 'one', 'two'],
        endpoints: [
          endpointOf(first, inZone('one')),
          endpointOf(second, inZone('one')),
          endpointOf(third, inZone('two')),
        ],
        reached: [near, near, [third.name]],
      })
    },
  },
  {
    requirement: 'L4-TD-003',
    sends: 'TCP connections from pods to a Service whose endpoints are hinted for their own nodes',
    expects: 'a client reaches the endpoint on its node alone',
    fixtures: [backends],
    timeoutMs: 180_000,
    run: async (context) => {
      const [first, second] = await fixturePods(context)
      const { host } = await ownService(context, {
        spec: { trafficDistribution: 'PreferSameNode' },
        endpoints: [first, second].map((pod) =>
          endpointOf(pod, { hints: { forNodes: [{ name: pod.node }] } }),
        ),
      })
      return reaches(context, host, [[first.name], [second.name]])
    },
  },
]

interface Distribution {
  /** Of the nodes in their order. */
  readonly zones: readonly string[]
  readonly endpoints: readonly ReturnType<typeof endpointOf>[]
  /** Names of the pods that a client on each node reaches. */
  readonly reached: readonly (readonly string[])[]
}

async function distributed(
  context: CheckContext,
  { zones, endpoints, reached }: Distribution,
): ReturnType<Check['run']> {
  if (context.nodes.length < zones.length)
    return skipped(`wants ${zones.length} nodes, the cluster has ${context.nodes.length}`)
  for (const [i, zone] of zones.entries())
    await putInZone(context, context.nodes[i]?.name ?? '', zone)
  const spec = { trafficDistribution: 'PreferClose' }
  const { host } = await ownService(context, { spec, endpoints })
  return reaches(context, host, reached)
}

async function reaches(
  context: CheckContext,
  host: string,
  reached: readonly (readonly string[])[],
): ReturnType<Check['run']> {
  const judgement = new Judgement()
  const told: string[] = []
  for (const [i, pods] of reached.entries()) {
    const front = { at: inPod(context, i), host, port: 81 }
    told.push((await answeredBy(context, judgement, front.at.node, front, pods)).told)
  }
  return judgement.assessment(told.join('; '))
}

function inZone(zone: string): Parameters<typeof endpointOf>[1] {
  return { zone, hints: { forZones: [{ name: zone }] } }
}
