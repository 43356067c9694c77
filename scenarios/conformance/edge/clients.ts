import type { Check, CheckContext, Position } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { backendNames, backends } from '../l4/backends.fixture.ts'
import { askingPod, itWasAnswered } from '../support/asking-pod.ts'
import { clusterIpOf, podsOf } from '../support/cluster-facts.ts'
import { request } from '../support/connect.ts'
import { ask, dataOf, serviceName } from '../support/dns.ts'
import { Judgement } from '../support/judgement.ts'
import { backendPod, backendsOnNodes, everyPort, service } from '../support/objects.ts'
import { inPod, onHost } from '../support/positions.ts'
import { type Look, nameHas, tcpAnswered } from '../support/steady.ts'
import { holdWithin } from './scene.ts'

/** Who may ask: pods, programs on the node, pods on the node's network; and who may answer. */
export const clients: readonly Check[] = [
  {
    requirement: 'EDGE-CLI-001',
    sends:
      'getaddrinfo for a Service and an HTTP request by its name, from a pod on each edge node',
    expects: 'the ClusterIP, and an answer of one of its pods',
    fixtures: [backends],
    run: async (context) => {
      const namespace = context.fixture(backends)
      const ip = await clusterIpOf(context, namespace, 'web')
      const name = serviceName(context, 'web', namespace)
      const looks = [0, 1].flatMap((index) => [
        resolves(context, inPod(context, index), name, [ip]),
        answers(context, inPod(context, index), `http://${name}/`),
      ])
      return allAnswered(context, looks)
    },
  },
  {
    requirement: 'EDGE-CLI-002',
    sends:
      "from each edge node's own network, the name of a Service to the resolver that such a client has, and a connection to it; the same from a pod on the host network",
    expects: 'the ClusterIP, and an answer of one of its pods',
    capabilities: ['node-access'],
    fixtures: [backends],
    run: async (context) => {
      const namespace = context.fixture(backends)
      const ip = await clusterIpOf(context, namespace, 'web')
      const name = serviceName(context, 'web', namespace)
      // why: only a target that claims it writes the node's resolv.conf; elsewhere such clients ask the cluster's DNS
      const onNodes = context.features.has('node-dns')
      const looks = [0, 1].flatMap((index) => [
        onNodes
          ? resolves(context, onHost(context, index), name, [ip])
          : nameHas(context, onHost(context, index), name, [ip]),
        tcpAnswered(context, onHost(context, index), ip, 81, backendNames),
      ])
      await context.apply([
        askingPod(context, 'on-host', [`http://${name}/`], {
          hostNetwork: true,
          dnsPolicy: 'ClusterFirstWithHostNet',
        }),
      ])
      return allAnswered(context, [...looks, itWasAnswered(context, 'on-host')])
    },
  },
  {
    requirement: 'EDGE-CLI-003',
    sends:
      'connections to a Service whose only pod is on the host network of the second edge node, from pods and hosts of both',
    expects: 'each is answered by that pod',
    capabilities: ['node-access'],
    run: async (context) => {
      const node = context.nodes[1]?.name ?? ''
      const { backendImage: image } = context
      await context.apply([
        backendPod({
          name: 'on-host-0',
          image,
          node,
          labels: { app: 'on-host' },
          spec: { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' },
        }),
        service('on-host', everyPort),
      ])
      const ip = await clusterIpOf(context, context.namespace, 'on-host')
      const looks = [0, 1].flatMap((index) =>
        [inPod(context, index), onHost(context, index)].map((at) =>
          tcpAnswered(context, at, ip, 81, ['on-host-0']),
        ),
      )
      return allAnswered(context, looks)
    },
  },
  {
    requirement: 'EDGE-CLI-007',
    sends:
      'the name of a headless Service with a pod on every edge node, from each; connections to every address of the answer',
    expects: 'the addresses of the pods, each answered by its own pod',
    run: async (context) => {
      const { namespace } = context
      await context.apply([
        ...backendsOnNodes(context, 'every', 2),
        service('every', everyPort, { clusterIP: 'None' }),
      ])
      const withinMs = context.threshold('convergenceMs')
      const judgement = new Judgement()
      const { seen: pods } = await eventually(
        () => podsOf(context, namespace, 'app=every'),
        (found) => found.length === 2 && found.every(({ ready }) => ready),
        { withinMs: 60_000, signal: context.signal },
      )
      if (pods.length !== 2) throw new Error('the pods of the headless Service did not start')
      const name = serviceName(context, 'every', namespace)
      for (const index of [0, 1]) {
        const at = inPod(context, index)
        const { seen } = await eventually(
          () => ask(context, { at, name }),
          (answer) => dataOf(answer, 'A').length === 2,
          { withinMs, signal: context.signal },
        )
        const addresses = dataOf(seen, 'A')
        judgement.set(
          `${at.node}: addresses`,
          pods.map(({ ip }) => ip),
          addresses,
        )
        for (const address of addresses) {
          const owner = pods.find(({ ip }) => ip === address)?.name ?? 'nobody'
          const problem = await tcpAnswered(context, at, address, 8081, [owner]).look()
          judgement.equal(`${at.node} to ${address}`, undefined, problem)
        }
      }
      return judgement.assessment(`every address of ${pods.map(({ ip }) => ip).join(', ')} works`)
    },
  },
]

async function allAnswered(
  context: CheckContext,
  looks: readonly Look[],
): ReturnType<Check['run']> {
  const withinMs = context.threshold('convergenceMs')
  const { accepted, seen, tookMs } = await holdWithin(context, looks, withinMs)
  return new Judgement()
    .holds('names and connections', 'all answered', seen, accepted)
    .assessment(`${looks.length} clients were answered within ${Math.round(tookMs)} ms`)
}

/** An application's own way to a name: getaddrinfo. */
function resolves(
  context: CheckContext,
  at: Position,
  name: string,
  addresses: readonly string[],
): Look {
  return {
    name: `getaddrinfo ${name} from ${at.network} of ${at.node}`,
    look: async () => {
      const probe = await context.probe(at)
      const seen = await probe.run({ kind: 'resolve', name, family: 4, timeoutMs: 10_000 }, context)
      if (seen.kind !== 'resolved') return seen.kind
      const same = [...seen.addresses].sort().join() === [...addresses].sort().join()
      return same ? undefined : seen.addresses.join()
    },
  }
}

function answers(context: CheckContext, at: Position, url: string): Look {
  return {
    name: `${url} from ${at.network} of ${at.node}`,
    look: async () => {
      const seen = await request(context, at, url)
      if (seen.kind !== 'http') return `${seen.kind}: ${'detail' in seen ? seen.detail : ''}`
      return seen.status === 200 ? undefined : `HTTP ${seen.status}`
    },
  }
}
