import type { Check } from '../../../harness/api.ts'
import { clusterIpOf, objectOf } from '../support/cluster-facts.ts'
import { Judgement } from '../support/judgement.ts'
import { endpointSlice, ports } from '../support/objects.ts'
import { inPod } from '../support/positions.ts'
import { backends } from './backends.fixture.ts'
import { answeredBy } from './follow.ts'
import { fixturePods, ownServiceObject } from './own-service.ts'

/** Services of the other family. */
export const ipv6: readonly Check[] = [
  {
    requirement: 'L4-TCP-012',
    sends: 'TCP connections from a pod to the IPv6 ClusterIP of a Service with IPv6 endpoints',
    expects: 'exactly its endpoints answer',
    capabilities: ['ipv6'],
    fixtures: [backends],
    timeoutMs: 90_000,
    run: async (context) => {
      const [first, second] = await fixturePods(context)
      const addresses: string[] = []
      for (const { name } of [first, second]) {
        const key = { namespace: context.fixture(backends), name }
        const { status } = await objectOf(context, { apiVersion: 'v1', kind: 'Pod' }, key)
        const { podIPs = [] } = (status ?? {}) as { podIPs?: readonly { readonly ip: string }[] }
        const address = podIPs.map(({ ip }) => ip).find((ip) => ip.includes(':'))
        if (address === undefined) throw new Error(`${name} has no IPv6 address`)
        addresses.push(address)
      }
      await context.apply([
        ownServiceObject('own', [{ name: 'tcp-0', port: 81, targetPort: ports.tcp }], {
          ipFamilies: ['IPv6'],
          ipFamilyPolicy: 'SingleStack',
        }),
        endpointSlice(
          'own',
          addresses.map((address) => ({ addresses: [address] })),
          [{ name: 'tcp-0', port: ports.tcp }],
          { addressType: 'IPv6' },
        ),
      ])
      const host = await clusterIpOf(context, context.namespace, 'own')
      const judgement = new Judgement()
      const front = { at: inPod(context), host, port: 81 }
      const names = [first.name, second.name]
      const { told } = await answeredBy(context, judgement, `at ${host}`, front, names)
      return judgement.assessment(told)
    },
  },
]
