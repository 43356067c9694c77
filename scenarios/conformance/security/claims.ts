import type { Check, CheckContext } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { pidsAt, withAgent } from '../support/agent.ts'
import { describeVolley, failuresOf, podOf, volley } from '../support/connect.ts'
import { clusterIpOf } from '../support/cluster-facts.ts'
import { Judgement } from '../support/judgement.ts'
import { backendPod, ports, service } from '../support/objects.ts'
import { inPod, onHost } from '../support/positions.ts'
import { onNode } from '../support/shell.ts'
import { backends } from './backends.fixture.ts'
import { isServed } from './served.ts'

/** How long a neighbour waits for a connection that should not come about, in ms. */
const silenceMs = 1_500

/** The node that is looked at, and the neighbour that looks; indices of nodes. */
const [looked, neighbour] = [1, 0] as const

/** Traffic that nobody may take: by the proxy's own ports, or by a Service that claims somebody's address. */
export const claims: readonly Check[] = [
  {
    requirement: 'SEC-EXP-003',
    sends:
      'TCP connections from a node to the ports at which the agents of its neighbour listen and which are not documented',
    expects: 'none comes about',
    capabilities: ['node-access', 'multi-node'],
    fixtures: [backends],
    run: withAgent(async (context) => {
      const judgement = new Judgement()
      if (!(await isServed(context, judgement, looked))) return judgement.assessment('')
      const { name = '', address: host = '' } = context.nodes[looked] ?? {}
      const pids = await pidsAt(context, name)
      const listening = (await onNode(context, looked, 'ss -Hlntp'))
        .split('\n')
        .filter((line) =>
          [...line.matchAll(/pid=(\d+)/g)].some(([, pid]) => pids.includes(Number(pid))),
        )
        .map((line) => Number(/:(\d+)$/.exec(line.split(/\s+/)[3] ?? '')?.[1]))
      const documented = context.target.documented?.ports ?? []
      const own = [...new Set(listening)].filter((port) => !documented.includes(port))
      const probe = await context.probe(onHost(context, neighbour))
      for (const port of own) {
        const job = { kind: 'tcp', host, port, expectBytes: 0, timeoutMs: silenceMs } as const
        const seen = await probe.run(job, context)
        // why: what is reset afterwards had come about
        const kept = ['refused', 'timed-out', 'unreachable'].includes(seen.kind)
        judgement.holds(`port ${port}`, 'not reachable', seen.kind, kept)
      }
      return judgement.assessment(`ports of the agent beside ${documented.join()}: ${own.join()}`)
    }),
  },
  {
    requirement: 'SEC-EXP-007',
    sends:
      'TCP connections from a pod to the Kubernetes API and to the cluster DNS while a Service names both addresses in externalIPs, where Kubernetes lets it',
    expects: 'no backend of that Service answers',
    fixtures: [backends],
    run: async (context) => {
      const judgement = new Judgement()
      if (!(await isServed(context, judgement, looked))) return judgement.assessment('')
      const { hostname: api, port: apiPort } = new URL(context.cluster.apiServer)
      const claimed = [
        { what: 'the API', host: api, port: Number(apiPort === '' ? 443 : apiPort) },
        { what: 'DNS', host: context.cluster.topology.clusterDns, port: 53 },
      ].filter(({ host }) => !isLinkLocal(host))
      await context.apply([
        backendPod({ name: 'thief', image: context.backendImage }),
        service(
          'thief',
          claimed.map(({ port }) => ({ name: `p${port}`, port, targetPort: ports.tcp })),
          { externalIPs: claimed.map(({ host }) => host) },
        ),
      ])
      if (!(await thiefServes(context, judgement, claimed[0]?.port ?? 0)))
        return judgement.assessment('')
      for (const { what, host, port } of claimed) {
        const job = { host, port, connections: 6, connectionTimeoutMs: silenceMs }
        const { answers } = await volley(context, inPod(context, looked), job)
        const stolen = answers.filter(({ answer }) => podOf(answer) === 'thief')
        judgement.set(
          `${what} at ${host}:${port}`,
          [],
          stolen.map(({ count }) => `${count} x thief`),
        )
      }
      return judgement.assessment(
        `${claimed.map(({ what }) => what).join(' and ')} had their own traffic`,
      )
    },
  },
]

/** Such an address no Service can claim: the API refuses it in externalIPs (ValidateNonSpecialIP of Kubernetes). */
function isLinkLocal(host: string): boolean {
  return host.startsWith('169.254.')
}

/** The target knows the Service: at its own ClusterIP it answers, so that its externalIPs were seen, too. */
async function thiefServes(
  context: CheckContext,
  judgement: Judgement,
  port: number,
): Promise<boolean> {
  const host = await clusterIpOf(context, context.namespace, 'thief')
  const { accepted, seen } = await eventually(
    () => volley(context, inPod(context, looked), { host, port }),
    (one) => failuresOf(one) === 0,
    { withinMs: context.threshold('convergenceMs'), signal: context.signal },
  )
  judgement.holds('the Service at its ClusterIP', 'is served', describeVolley(seen), accepted)
  return accepted
}
