import type { Check, CheckContext, KubeObject } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { type Front, look, podsIn } from '../l4/follow.ts'
import { ownPods } from '../l4/own-pods.ts'
import { clusterIpOf } from '../support/cluster-facts.ts'
import { describeVolley } from '../support/connect.ts'
import { Judgement, skipped } from '../support/judgement.ts'
import { backendPod, everyPort, ports, service } from '../support/objects.ts'
import { inPod } from '../support/positions.ts'
import { udpAnswered } from '../support/steady.ts'

/** How long the pod network may take to enforce a policy; agents of pod networks follow the API as data planes do. */
const enforcedMs = 15_000

const impatientMs = 1_000

/** Connections to each port that have to stay unanswered. */
const attempts = 10

/** Datagrams to one port may come in, nothing else: they tell that the data plane knows the Service. */
const datagramsOnly: KubeObject = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'datagrams-only' },
  spec: {
    podSelector: {},
    policyTypes: ['Ingress'],
    ingress: [{ ports: [{ protocol: 'UDP', port: ports.udp }] }],
  },
}

/** What the pod network forbids, a Service does not allow. */
export const networkPolicy: readonly Check[] = [
  {
    requirement: 'SEC-NP-001',
    sends:
      "connections from a pod to the TCP ports, HTTP and other, of a Service with one pod on the client's node and of one with a pod on another; a NetworkPolicy lets datagrams to them alone, and straight to the pods it is enforced",
    expects: 'datagrams through each Service are answered, no connection reaches a pod',
    capabilities: ['kubernetes'],
    timeoutMs: 240_000,
    run: async (context) => {
      const at = inPod(context)
      const pods = [0, 1].map((index) =>
        backendPod({
          name: `guarded-${index}`,
          image: context.backendImage,
          node: context.nodes[index]?.name ?? '',
        }),
      )
      const names = pods.map(({ metadata }) => metadata.name)
      const found = await ownPods(context, [
        datagramsOnly,
        ...pods,
        ...names.map((name) => service(name, everyPort)),
      ])
      const straight = found.map(({ ip }): Front => ({ at, host: ip, port: ports.tcp }))
      const open = await unenforced(context, straight)
      if (open !== undefined) return skipped(`the pod network enforces no NetworkPolicy: ${open}`)
      const judgement = new Judgement()
      for (const name of names) {
        const host = await clusterIpOf(context, context.namespace, name)
        const datagram = udpAnswered(context, at, host, 83)
        const { accepted, seen } = await eventually(
          datagram.look,
          (problem) => problem === undefined,
          { withinMs: context.threshold('convergenceMs'), signal: context.signal },
        )
        judgement.holds(`${name}: a datagram`, 'answered', seen ?? 'answered', accepted)
        for (const port of [80, 81]) {
          const volleyed = await look(
            context,
            { at, host, port, http: port === 80 },
            attempts,
            impatientMs,
          )
          const reached = podsIn(volleyed).filter((pod) => names.includes(pod))
          judgement.set(`${name}: pods reached at port ${port}`, [], reached)
        }
      }
      return judgement.assessment('datagrams pass, connections do not')
    },
  },
]

/** What still came through straight to the pods when the time was up; undefined when nothing does. */
async function unenforced(
  context: CheckContext,
  fronts: readonly Front[],
): Promise<string | undefined> {
  const { accepted, seen } = await eventually(
    () => Promise.all(fronts.map((front) => look(context, front, 2, impatientMs))),
    (looks) => looks.every(({ answers }) => answers.length === 0),
    { withinMs: enforcedMs, signal: context.signal },
  )
  return accepted ? undefined : seen.map(describeVolley).join('; ')
}
