import type { Check, Position } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { clusterIpOf } from '../support/cluster-facts.ts'
import { describeVolley, failuresOf, podsAnswering, volley } from '../support/connect.ts'
import { Judgement } from '../support/judgement.ts'
import { inPod, onHost } from '../support/positions.ts'
import { backendNames, backends } from './backends.fixture.ts'

/** Connections per client: with three backends and any fair choice, all of them are met but for 1 in 10^5 runs. */
const connections = 30

/** A client anywhere reaches the Service, and only its endpoints answer. */
export const reach: readonly Check[] = [
  answeredByEndpoints('L4-TCP-001', 'a pod on each edge node', inPod),
  answeredByEndpoints('L4-TCP-002', 'the host network of each edge node', onHost),
]

function answeredByEndpoints(
  requirement: string,
  where: string,
  position: (context: Parameters<typeof inPod>[0], index: number) => Position,
): Check {
  return {
    requirement,
    sends: `${connections} TCP connections to ClusterIP:port from ${where}`,
    expects: 'every connection is answered, and each by an endpoint of the Service',
    fixtures: [backends],
    ...(position === onHost && { capabilities: ['node-access'] }),
    run: async (context) => {
      const host = await clusterIpOf(context, context.fixture(backends), 'web')
      const judgement = new Judgement()
      const told: string[] = []
      for (const index of [0, 1]) {
        const at = position(context, index)
        const first = await eventually(
          () => volley(context, at, { host, port: 81 }),
          (seen) => failuresOf(seen) === 0,
          { withinMs: context.threshold('convergenceMs'), signal: context.signal },
        )
        const seen = first.accepted
          ? await volley(context, at, { host, port: 81, connections, concurrency: 5 })
          : first.seen
        const strangers = [...podsAnswering(seen).keys()].filter(
          (pod) => !backendNames.some((name) => name === pod),
        )
        judgement.equal(`${at.node}: failures`, {}, seen.failures)
        judgement.set(`${at.node}: answers of no endpoint`, [], strangers)
        told.push(`${at.node}: ${describeVolley(seen)}`)
        if (!first.accepted) break
      }
      return judgement.assessment(told.join('; '))
    },
  }
}
