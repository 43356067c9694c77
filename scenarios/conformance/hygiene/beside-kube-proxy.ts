import type { Check } from '../../../harness/api.ts'
import { backends } from '../l4/backends.fixture.ts'
import { answeredBy } from '../l4/follow.ts'
import { endpointOf, fixturePods, ownService } from '../l4/own-service.ts'
import { Judgement, skipped } from '../support/judgement.ts'
import { kubeProxyItself } from '../support/kube-proxy.ts'
import { inPod, onHost } from '../support/positions.ts'

export const besideKubeProxy: readonly Check[] = [
  {
    requirement: 'HYG-UN-006',
    topology: { kubeProxy: 'iptables' },
    needless: kubeProxyItself,
    sends:
      'TCP connections from a pod and from the node to a Service, before and after the target is removed; kube-proxy stays',
    expects: 'each is answered by its endpoint, afterwards, too',
    capabilities: ['kubernetes', 'node-access'],
    fixtures: [backends],
    timeoutMs: 300_000,
    run: async (context) => {
      if (context.cluster.kubeProxyConnections === undefined)
        return skipped('no kube-proxy runs beside the target')
      const [pod] = await fixturePods(context)
      const own = await ownService(context, { endpoints: [endpointOf(pod)] })
      const fronts = [inPod(context), onHost(context)].map((at) => ({
        at,
        host: own.host,
        port: 81,
      }))
      const judgement = new Judgement()
      for (const front of fronts)
        await answeredBy(context, judgement, `installed, ${front.at.network}`, front, [pod.name])
      const { reinstall } = await context.target.uninstall()
      for (const front of fronts)
        await answeredBy(context, judgement, `removed, ${front.at.network}`, front, [pod.name])
      await reinstall(context)
      return judgement.assessment('kube-proxy serves what the target did')
    },
  },
]
