import type { Check, CheckContext, Position } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import type { PodFacts } from '../support/cluster-facts.ts'
import { control, failuresOf, peerOf, volley } from '../support/connect.ts'
import { Judgement } from '../support/judgement.ts'
import { ports } from '../support/objects.ts'
import { inPod, onHost } from '../support/positions.ts'
import { backends } from './backends.fixture.ts'
import { endpointOf, fixturePods, ownService } from './own-service.ts'

/** The address that a backend sees its client by. */
export const source: readonly Check[] = [
  {
    requirement: 'L4-SRC-001',
    sends:
      'TCP connections from a pod to a Service with an endpoint on its node and one on another',
    expects: "both endpoints see the pod's own address",
    fixtures: [backends],
    timeoutMs: 120_000,
    run: async (context) => {
      const at = inPod(context)
      const pods = [...(await fixturePods(context))].slice(0, 2)
      const judgement = new Judgement()
      const told: string[] = []
      for (const pod of pods) {
        const own = await addressOf(context, at, pod)
        const peers = await peersOf(context, at, pod)
        judgement.set(`${pod.name} on ${pod.node}: peers`, [own], peers)
        told.push(`${pod.name} sees ${peers.join(', ')}`)
        if (!judgement.ok) break
      }
      return judgement.assessment(`client ${at.node}: ${told.join('; ')}`)
    },
  },
  {
    requirement: 'L4-SRC-002',
    sends:
      'TCP connections to a Service in 6 placements: from a pod and from the host network to an endpoint on the same node and on another, from a backend to itself, and from the host network of the control plane',
    expects: 'each is answered; which class of address the backend sees is recorded',
    capabilities: ['node-access', 'multi-node'],
    fixtures: [backends],
    timeoutMs: 150_000,
    run: async (context) => {
      const [near, far] = await fixturePods(context)
      const master = context.nodes.length - 1
      const judgement = new Judgement()
      const told: string[] = []
      for (const [name, at, pod] of [
        ['pod, same node', inPod(context), near],
        ['pod, other node', inPod(context), far],
        ['host, same node', onHost(context), near],
        ['host, other node', onHost(context), far],
        ['host of the last node', onHost(context, master), near],
        ['the endpoint itself', undefined, near],
      ] as const) {
        const peers = await peersOf(context, at, pod)
        judgement.holds(name, 'is answered', `${peers.length} peers`, peers.length > 0)
        if (!judgement.ok) break
        const own = at === undefined ? pod.ip : await addressOf(context, at, pod)
        const classes = new Set(peers.map((peer) => classOf(context, peer, own)))
        told.push(`${name}: ${[...classes].join(', ')}`)
      }
      return judgement.assessment(told.join('; '))
    },
  },
]

/** Addresses that the backend saw; from the backend itself where no position is given. Empty when nothing answers. */
async function peersOf(
  context: CheckContext,
  at: Position | undefined,
  pod: PodFacts,
): Promise<readonly string[]> {
  const name = `to-${pod.name}`
  const { host } = await ownService(context, { name, endpoints: [endpointOf(pod)] })
  const ask = async (): Promise<readonly string[]> => {
    if (at === undefined) {
      const order = { host, port: 81, times: 1 }
      const { answers } = (await control(context, pod.ip, '/dial', order)) as {
        readonly answers: readonly string[]
      }
      return answers
    }
    const seen = await volley(context, at, {
      host,
      port: 81,
      connections: 10,
      concurrency: 5,
      connectionTimeoutMs: 1_000,
    })
    return failuresOf(seen) === 0 ? seen.answers.map(({ answer }) => answer) : []
  }
  const { accepted, seen } = await eventually(ask, (answers) => answers.length > 0, {
    withinMs: context.threshold('convergenceMs'),
    signal: context.signal,
  })
  if (!accepted) return []
  return [...new Set(seen.map((answer) => (peerOf(answer) ?? '?').replace(/:\d+$/, '')))].sort()
}

/** The client's address as the backend sees it without a Service between. */
async function addressOf(context: CheckContext, at: Position, pod: PodFacts): Promise<string> {
  const probe = await context.probe(at)
  const seen = await probe.run(
    { kind: 'tcp', host: pod.ip, port: ports.tcp, expectBytes: 1, timeoutMs: 5_000 },
    context,
  )
  if (seen.kind !== 'tcp') throw new Error(`${pod.name} by its address: ${seen.kind}`)
  return seen.local.address
}

function classOf({ nodes }: CheckContext, peer: string, own: string): string {
  if (peer === own) return 'client IP'
  if (nodes.some(({ address }) => address === peer)) return 'node IP'
  if (peer.startsWith('169.254.')) return '169.254.x.x'
  if (peer.startsWith('127.')) return 'loopback'
  return `another address (${peer})`
}
