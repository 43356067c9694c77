import type { Check, CheckContext } from '../../../harness/api.ts'
import { backendNames, backends } from '../l4/backends.fixture.ts'
import { clusterIpOf } from '../support/cluster-facts.ts'
import { ask, dataOf, describeAnswer, serviceName } from '../support/dns.ts'
import { Judgement, skipped } from '../support/judgement.ts'
import { isKubeProxyItself } from '../support/kube-proxy.ts'
import { backendPod } from '../support/objects.ts'
import { inPod, onHost } from '../support/positions.ts'
import { describeSeen, keepLooking, type Look, nameHas, tcpAnswered } from '../support/steady.ts'
import { apiAnswers } from './coexistence.ts'
import { holdWithin } from './scene.ts'

/** A port of the node that nobody else takes: below the range of NodePorts and of ephemeral ports. */
const hostPort = 18_081

/** What a cluster has without the mesh works with it, too. */
export const installation: readonly Check[] = [
  {
    requirement: 'EDGE-CLI-004',
    sends: `connections from pods and hosts of both edge nodes to port ${hostPort} of the second one, which is a hostPort of a pod there`,
    expects: 'each is answered by that pod',
    capabilities: ['kubernetes', 'node-access'],
    run: async (context) => {
      const { name: node = '', address = '' } = context.nodes[1] ?? {}
      await context.apply([
        backendPod({
          name: 'host-port-0',
          image: context.backendImage,
          node,
          container: { ports: [{ containerPort: 8081, hostPort, protocol: 'TCP' }] },
        }),
      ])
      const looks = [0, 1].flatMap((index) =>
        [inPod(context, index), onHost(context, index)].map((at) =>
          tcpAnswered(context, at, address, hostPort, ['host-port-0']),
        ),
      )
      const withinMs = context.threshold('convergenceMs')
      const { accepted, seen, tookMs } = await holdWithin(context, looks, withinMs)
      return new Judgement()
        .holds('connections to the hostPort', 'all answered', seen, accepted)
        .assessment(`${looks.length} clients were answered within ${Math.round(tookMs)} ms`)
    },
  },
  {
    requirement: 'EDGE-COX-011',
    sends:
      "the target is removed and installed again; before, where kube-proxy serves then, and after: connections to ClusterIPs from pods and hosts, requests to the API's Service, names to the target's DNS and to the cluster's own",
    expects: 'all of it works with the target as it did without, in time',
    capabilities: ['kubernetes', 'node-access'],
    fixtures: [backends],
    timeoutMs: 420_000,
    run: async (context) => {
      if (isKubeProxyItself(context))
        return skipped('the target is a part of the cluster, and came with it')
      const judgement = new Judgement()
      const withinMs = context.threshold('convergenceMs')
      const { mesh, cluster } = await looksOf(context)
      const { reinstall } = await context.target.uninstall()
      let meanwhile = 'nothing serves without the target'
      if (context.cluster.kubeProxyConnections === undefined) await reinstall(context)
      else {
        const before = await holdWithin(context, cluster, withinMs)
        judgement.holds('without the target', 'works', before.seen, before.accepted)
        const watch = keepLooking(context, cluster, { everyMs: 200 })
        await reinstall(context)
        meanwhile = `while it was installed ${describeSeen(await watch.stop())}`
      }
      const after = await holdWithin(context, [...cluster, ...mesh], withinMs)
      judgement.holds('with the target', 'works', after.seen, after.accepted)
      return judgement.assessment(
        `everything works ${Math.round(after.tookMs)} ms after it was ready; ${meanwhile}`,
      )
    },
  },
]

interface Looks {
  /** What the target itself brings. */
  readonly mesh: readonly Look[]
  /** What the cluster has without it. */
  readonly cluster: readonly Look[]
}

async function looksOf(context: CheckContext): Promise<Looks> {
  const namespace = context.fixture(backends)
  const ip = await clusterIpOf(context, namespace, 'web')
  const api = await clusterIpOf(context, 'default', 'kubernetes')
  const dns = await clusterIpOf(context, 'kube-system', 'kube-dns')
  const name = serviceName(context, 'web', namespace)
  const clients = [0, 1].flatMap((index) => [inPod(context, index), onHost(context, index)])
  return {
    mesh: clients.map((at) => nameHas(context, at, name, [ip])),
    cluster: clients.flatMap((at) => [
      tcpAnswered(context, at, ip, 81, backendNames),
      apiAnswers(context, at, api),
      {
        name: `${name} at kube-dns from ${at.network} of ${at.node}`,
        look: async () => {
          const server = { address: dns, port: 53 }
          const seen = await ask(context, { at, name, server, timeoutMs: 3_000 })
          return dataOf(seen, 'A').join() === ip ? undefined : describeAnswer(seen)
        },
      },
    ]),
  }
}
