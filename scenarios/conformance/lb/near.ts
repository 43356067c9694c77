import type { Check } from '../../../harness/api.ts'
import { answeredBy } from '../l4/follow.ts'
import { ownPods } from '../l4/own-pods.ts'
import { endpointOf, ownService } from '../l4/own-service.ts'
import { Judgement, skipped } from '../support/judgement.ts'
import { backendPod } from '../support/objects.ts'
import { inPod } from '../support/positions.ts'
import { putInZone } from '../support/zones.ts'

/** Zones of the three nodes: two in one LAN, one elsewhere. */
const zones = ['near', 'near', 'far'] as const

/** Near endpoints first, as hints for nodes and zones say together. */
export const near: readonly Check[] = [
  {
    requirement: 'LB-LOC-001',
    sends:
      'TCP connections from a pod to a Service with an endpoint on its node, one on a node of its zone and one in another zone, each hinted for its node and its zone as PreferSameNode does; then without the first, then without the second',
    expects:
      "its node's endpoint alone answers, then its zone's alone, then the one that is left; a pod on the other node of the zone reaches its own node's all along",
    timeoutMs: 240_000,
    run: async (context) => {
      if (context.nodes.length < zones.length)
        return skipped(`wants ${zones.length} nodes, the cluster has ${context.nodes.length}`)
      for (const [index, zone] of zones.entries())
        await putInZone(context, context.nodes[index]?.name ?? '', zone)
      const image = context.backendImage
      const pods = await ownPods(
        context,
        zones.map((_, index) =>
          backendPod({ name: `at-${index}`, image, node: context.nodes[index]?.name ?? '' }),
        ),
      )
      const endpoints = pods.map((pod, index) => {
        const zone = zones[index] ?? ''
        const hints = { forNodes: [{ name: pod.node }], forZones: [{ name: zone }] }
        return endpointOf(pod, { zone, hints })
      })
      const spec = { trafficDistribution: 'PreferSameNode' }
      const own = await ownService(context, { spec, endpoints })
      const judgement = new Judgement()
      const told: string[] = []
      const reaches = async (what: string, index: number, pod: string): Promise<void> => {
        const front = { at: inPod(context, index), host: own.host, port: 81 }
        told.push((await answeredBy(context, judgement, what, front, [pod])).told)
      }
      await reaches('one on its node', 0, 'at-0')
      await reaches("the neighbour's own", 1, 'at-1')
      await own.setEndpoints(endpoints.slice(1))
      await reaches('one in its zone', 0, 'at-1')
      await reaches("still the neighbour's own", 1, 'at-1')
      await own.setEndpoints(endpoints.slice(2))
      await reaches('one elsewhere', 0, 'at-2')
      return judgement.assessment(told.join('; '))
    },
  },
]
