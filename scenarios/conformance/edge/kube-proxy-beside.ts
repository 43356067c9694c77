import type { Assessment, Check, CheckContext } from '../../../harness/api.ts'
import { backendNames, backends } from '../l4/backends.fixture.ts'
import { clusterIpOf } from '../support/cluster-facts.ts'
import { describeVolley, failuresOf, podsAnswering, volley } from '../support/connect.ts'
import { serviceName } from '../support/dns.ts'
import { Judgement, skipped } from '../support/judgement.ts'
import {
  kubeProxyAway,
  kubeProxyFound,
  kubeProxyItself,
  restartedKubeProxy,
} from '../support/kube-proxy.ts'
import { restarted } from '../support/outage.ts'
import { inPod, onHost } from '../support/positions.ts'
import { nameHas, tcpAnswered } from '../support/steady.ts'
import { holdWithin } from './scene.ts'

/** New connections from each client whose carrier is looked for. */
const connections = 20

/** kube-proxy and the mesh want the same connections; the mesh is to have them. */
export const kubeProxyBeside: readonly Check[] = [
  {
    requirement: 'EDGE-COX-001',
    topology: { kubeProxy: 'iptables' },
    needless: kubeProxyItself,
    sends: `${connections} connections to a Service from a pod and from the node, after kube-proxy (iptables), the agent started`,
    expects: 'each is answered, and none came as far as kube-proxy',
    capabilities: ['kubernetes', 'node-access'],
    fixtures: [backends],
    run: besideMode('iptables', async (context, judgement) =>
      carriedByMesh(context, judgement, 'beside it'),
    ),
  },
  {
    requirement: 'EDGE-COX-002',
    topology: { kubeProxy: 'iptables' },
    needless: kubeProxyItself,
    sends: `${connections} connections to a Service from a pod and from the node: when kube-proxy was restarted; and when its pods and rules were gone, the agent was started anew, and kube-proxy came after it`,
    expects: 'each is answered, and none came as far as kube-proxy; names are answered',
    capabilities: ['kubernetes', 'node-access'],
    fixtures: [backends],
    timeoutMs: 420_000,
    run: besideMode(undefined, async (context, judgement) => {
      await restartedKubeProxy(context)
      const first = await carriedByMesh(context, judgement, 'kube-proxy restarted')
      const comeBack = await kubeProxyAway(context, 0)
      await restarted(context, 0, 'term')
      const alone = await known(context)
      judgement.holds('without kube-proxy', 'served by the mesh', alone.seen, alone.accepted)
      await comeBack()
      const second = await carriedByMesh(context, judgement, 'kube-proxy after the agent')
      return `${first}; ${second}`
    }),
  },
  {
    requirement: 'EDGE-COX-004',
    topology: { kubeProxy: 'nftables' },
    needless: kubeProxyItself,
    sends: `${connections} connections to a Service from a pod and from the node, while kube-proxy runs in mode nftables`,
    expects: 'each is answered, and none came as far as kube-proxy',
    capabilities: ['kubernetes', 'node-access'],
    fixtures: [backends],
    run: besideMode('nftables', async (context, judgement) =>
      carriedByMesh(context, judgement, 'beside it'),
    ),
  },
]

/** A run that wants kube-proxy beside the target, in a mode, or as a DaemonSet in any that counts; skipped elsewhere. */
function besideMode(
  mode: 'iptables' | 'nftables' | undefined,
  work: (context: CheckContext, judgement: Judgement) => Promise<string>,
): Check['run'] {
  return async (context): Promise<Assessment> => {
    const found = await kubeProxyFound(context)
    if (typeof found !== 'object') return skipped(found)
    if (mode === undefined && !found.isDaemonSet)
      return skipped('kube-proxy is no DaemonSet here: it cannot be taken away alone')
    if (mode !== undefined && found.mode !== mode)
      return skipped(`kube-proxy runs in mode ${found.mode}, not ${mode}`)
    const judgement = new Judgement()
    return judgement.assessment(await work(context, judgement))
  }
}

/** Names and connections of the Service, until they are as they have to be or the time is up. */
async function known(context: CheckContext): ReturnType<typeof holdWithin> {
  const namespace = context.fixture(backends)
  const ip = await clusterIpOf(context, namespace, 'web')
  const looks = [inPod(context), onHost(context)].flatMap((at) => [
    nameHas(context, at, serviceName(context, 'web', namespace), [ip]),
    tcpAnswered(context, at, ip, 81, backendNames),
  ])
  return holdWithin(context, looks, context.threshold('convergenceMs'))
}

/** Judges that new connections are answered and that none of them comes to kube-proxy. */
async function carriedByMesh(
  context: CheckContext,
  judgement: Judgement,
  when: string,
): Promise<string> {
  const { accepted, seen } = await known(context)
  judgement.holds(`${when}: names and connections`, 'answered', seen, accepted)
  if (!accepted) return seen
  const { cluster } = context
  const count = async (): Promise<number> => {
    const counted = await cluster.kubeProxyConnections?.(context)
    if (counted === undefined) throw new Error('what comes to kube-proxy cannot be counted here')
    return counted
  }
  const host = await clusterIpOf(context, context.fixture(backends), 'web')
  const before = await count()
  for (const at of [inPod(context), onHost(context)])
    for (const port of [80, 81]) {
      const job = { host, port, connections, ...(port === 80 && { http: [{ path: '/' }] }) }
      const volleyed = await volley(context, at, job)
      judgement
        .holds(
          `${when}: port ${port} from ${at.network}`,
          'all answered',
          describeVolley(volleyed),
          failuresOf(volleyed) === 0,
        )
        .equal(
          `${when}: strangers at ${port} from ${at.network}`,
          [],
          [...podsAnswering(volleyed).keys()].filter((pod) => !isBackend(pod)),
        )
    }
  judgement.equal(`${when}: connections that came to kube-proxy`, 0, (await count()) - before)
  return `${when}: ${4 * connections} connections, none by way of kube-proxy`
}

function isBackend(pod: string): boolean {
  return (backendNames as readonly string[]).includes(pod)
}
