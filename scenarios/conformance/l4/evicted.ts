import type { Check } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { clusterIpOf, objectOf } from '../support/cluster-facts.ts'
import { Judgement } from '../support/judgement.ts'
import { backendPod, ports, service } from '../support/objects.ts'
import { inPod } from '../support/positions.ts'
import { answeredBy, refused } from './follow.ts'
import { ownPods } from './own-pods.ts'

/** kubelet looks at ephemeral storage every 10 s; the container waits 15 s before it takes too much. */
const evictedMs = 120_000

/** A pod that is over, though its object is still there (kubernetes/kubernetes#109414). */
export const evicted: readonly Check[] = [
  {
    requirement: 'L4-NOEP-004',
    sends:
      'TCP connections from a pod to a Service with publishNotReadyAddresses whose only pod is evicted, because it writes more than its ephemeral storage',
    expects: 'the pod answers before; after it each connection is refused in time',
    capabilities: ['kubernetes'],
    timeoutMs: 300_000,
    run: async (context) => {
      const { backendImage, namespace } = context
      const pod = backendPod({ name: 'greedy', image: backendImage })
      const spec = pod['spec'] as { readonly containers: readonly object[] }
      const greedy = {
        name: 'greedy',
        image: backendImage,
        imagePullPolicy: 'IfNotPresent',
        command: ['sh', '-c', 'sleep 15; dd if=/dev/zero of=/fill bs=1M count=40; sleep 600'],
        resources: { limits: { 'ephemeral-storage': '10Mi' } },
      }
      await ownPods(context, [
        { ...pod, spec: { ...spec, containers: [...spec.containers, greedy] } },
        service('greedy', [{ name: 'tcp-0', port: 81, targetPort: ports.tcp }], {
          publishNotReadyAddresses: true,
        }),
      ])
      const host = await clusterIpOf(context, namespace, 'greedy')
      const front = { at: inPod(context), host, port: 81 }
      const judgement = new Judgement()
      const before = await answeredBy(context, judgement, 'before', front, ['greedy'])
      if (!before.ok) return judgement.assessment('')
      const { accepted, seen } = await eventually(
        async () => {
          const key = { namespace, name: 'greedy' }
          const { status } = await objectOf(context, { apiVersion: 'v1', kind: 'Pod' }, key)
          const { phase, reason } = (status ?? {}) as { phase?: string; reason?: string }
          return { phase, reason }
        },
        ({ phase }) => phase === 'Failed',
        { withinMs: evictedMs, everyMs: 500, signal: context.signal },
      )
      if (!accepted) throw new Error(`the pod was not evicted: ${JSON.stringify(seen)}`)
      const after = await refused(context, judgement, 'after', front)
      return judgement.assessment(`${before.told}; ${seen.reason ?? 'Failed'}; ${after.told}`)
    },
  },
]
