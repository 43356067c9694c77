import type { Check, CheckContext } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { podOf } from '../support/connect.ts'
import { Judgement } from '../support/judgement.ts'
import { inPod, onHost } from '../support/positions.ts'
import { backendNames, backends } from './backends.fixture.ts'
import { answeredBy, look, notAnswered, podsIn } from './follow.ts'
import { hostPod, hostPorts } from './host-pods.ts'
import { freeNodePort, nodePortOf } from './node-port-facts.ts'
import { ownPods } from './own-pods.ts'
import {
  deleteService,
  endpointOf,
  fixturePods,
  type OwnService,
  ownService,
  patchService,
} from './own-service.ts'

/** What is open at the nodes' own addresses. */
export const nodePorts: readonly Check[] = [
  {
    requirement: 'L4-NP-001',
    sends: "TCP connections from a pod and from two hosts to a NodePort at each node's address",
    expects: 'every endpoint answers, and nobody else',
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 180_000,
    run: async (context) => {
      const own = await nodePortService(context)
      const port = await nodePortOf(context, own.name)
      const judgement = new Judgement()
      const told: string[] = []
      for (const at of [inPod(context), onHost(context), onHost(context, 1)])
        for (const { name, address } of context.nodes) {
          const front = { at, host: address, port }
          const what = `${at.network} of ${at.node} to ${name}`
          const seen = await answeredBy(context, judgement, what, front, backendNames)
          // why: each front more that is not served would cost the whole bound again
          if (!seen.ok) return judgement.assessment('')
          told.push(seen.told)
        }
      return judgement.assessment(told.join('; '))
    },
  },
  {
    requirement: 'L4-NP-002',
    sends: "datagrams from a pod and from two hosts to a UDP NodePort at each node's address",
    expects: 'each is answered by an endpoint, from the address that it was sent to',
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 180_000,
    run: async (context) => {
      const own = await nodePortService(context, { port: 83, targetPort: 8083, protocol: 'UDP' })
      const port = await nodePortOf(context, own.name)
      const judgement = new Judgement()
      const told: string[] = []
      for (const at of [inPod(context), onHost(context), onHost(context, 1)])
        for (const { name, address } of context.nodes) {
          const answer = await whoOverUdp(context, at, address, port)
          const what = `${at.network} of ${at.node} to ${name}`
          const isOurs = backendNames.some((one) => one === answer)
          judgement.holds(what, `one of ${backendNames.join(', ')}`, answer, isOurs)
          if (!isOurs) return judgement.assessment('')
          told.push(`${what}: ${answer}`)
        }
      return judgement.assessment(told.join('; '))
    },
  },
  {
    requirement: 'L4-NP-003',
    sends:
      'TCP connections to a NodePort that a process of the node listens at, and to Services made after it',
    expects:
      'every other Service is answered; the contested port by the process or by an endpoint, and the report says by whom',
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 180_000,
    run: async (context) => {
      const [a] = context.nodes
      if (a === undefined) throw new Error('want a node')
      const nodePort = await freeNodePort(context)
      const { controlPort } = hostPorts(context)
      await ownPods(context, [hostPod(context, 'holder', a.name, { port: nodePort, controlPort })])
      const contested = await nodePortService(context, { nodePort, name: 'contested' })
      const beside = await nodePortService(context, { name: 'beside' })
      const judgement = new Judgement()
      const at = onHost(context, 1)
      const fronts = {
        'another NodePort': { host: a.address, port: await nodePortOf(context, beside.name) },
        'its ClusterIP': { host: beside.host, port: 81 },
        'the ClusterIP of the contested one': { host: contested.host, port: 81 },
      }
      for (const [what, front] of Object.entries(fronts))
        await answeredBy(context, judgement, what, { ...front, at }, backendNames)
      const seen = await look(context, { at, host: a.address, port: nodePort }, 10)
      const allowed = new Set<string>(['holder', ...backendNames])
      const answering = podsIn(seen)
      judgement.set(
        'strangers at the contested port',
        [],
        answering.filter((pod) => !allowed.has(pod)),
      )
      judgement.equal('the contested port: failures', {}, seen.failures)
      return judgement.assessment(
        `${Object.keys(fronts).join(', ')} are answered; the contested port by ${answering.join(', ')}`,
      )
    },
  },
  {
    requirement: 'L4-NP-004',
    sends:
      'TCP connections to the port of a NodePort Service that was deleted, which a process of the node has bound then',
    expects: 'the process can bind the port, and it answers',
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 180_000,
    run: async (context) => {
      const [a] = context.nodes
      if (a === undefined) throw new Error('want a node')
      const own = await nodePortService(context)
      const port = await nodePortOf(context, own.name)
      const front = { at: onHost(context, 1), host: a.address, port }
      const judgement = new Judgement()
      const before = await answeredBy(context, judgement, 'before', front, backendNames)
      if (!before.ok) return judgement.assessment('')
      await deleteService(context, own.name)
      await notAnswered(context, judgement, 'deleted', front)
      if (!judgement.ok) return judgement.assessment('')
      const { controlPort } = hostPorts(context)
      await ownPods(context, [hostPod(context, 'holder', a.name, { port, controlPort })])
      const after = await answeredBy(context, judgement, 'bound', front, ['holder'])
      return judgement.assessment(`${before.told}; ${after.told}`)
    },
  },
  {
    requirement: 'L4-NP-005',
    sends: 'TCP connections to the old and to the new nodePort of a Service whose nodePort changed',
    expects: 'the new one is answered by the endpoints, the old one by nobody',
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 180_000,
    run: async (context) => {
      const own = await nodePortService(context)
      const old = await nodePortOf(context, own.name)
      const front = { at: onHost(context, 1), host: context.nodes[0]?.address ?? '', port: old }
      const judgement = new Judgement()
      const before = await answeredBy(context, judgement, 'before', front, backendNames)
      if (!before.ok) return judgement.assessment('')
      const nodePort = await freeNodePort(context)
      const ports = [{ port: 81, targetPort: 8081, protocol: 'TCP', nodePort }]
      await patchService(context, own.name, { spec: { ports } })
      const anew = { ...front, port: nodePort }
      const after = await answeredBy(context, judgement, 'the new one', anew, backendNames)
      const gone = await notAnswered(context, judgement, 'the old one', front)
      return judgement.assessment([before.told, after.told, gone.told].join('; '))
    },
  },
  {
    requirement: 'L4-NP-006',
    sends: 'one TCP connection on a node to 127.0.0.1:nodePort',
    expects: 'nothing in particular: the report records what happens',
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 120_000,
    run: async (context) => {
      const own = await nodePortService(context)
      const port = await nodePortOf(context, own.name)
      const at = onHost(context)
      const judgement = new Judgement()
      const front = { at, host: context.nodes[0]?.address ?? '', port }
      await answeredBy(context, judgement, "the node's own address", front, backendNames)
      const probe = await context.probe(at)
      const seen = await probe.run(
        { kind: 'tcp', host: '127.0.0.1', port, expectBytes: 4, timeoutMs: 2_000 },
        context,
      )
      return judgement.assessment(
        `127.0.0.1:${port}: ${seen.kind === 'tcp' ? 'answered' : seen.kind}`,
      )
    },
  },
  {
    requirement: 'L4-XIP-001',
    sends: 'TCP connections from a pod and from a host to an external address that no node has',
    expects: 'every endpoint answers, and nobody else',
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 120_000,
    run: async (context) => {
      // why: TEST-NET-2 (RFC 5737) is nobody's
      const address = `198.51.100.${1 + (context.seed % 254)}`
      const pods = await fixturePods(context)
      await ownService(context, {
        ports: [{ port: 81, targetPort: 8081 }],
        spec: { externalIPs: [address] },
        endpoints: pods.map((pod) => endpointOf(pod)),
      })
      const judgement = new Judgement()
      const told: string[] = []
      for (const at of [inPod(context), onHost(context)]) {
        const front = { at, host: address, port: 81 }
        told.push((await answeredBy(context, judgement, at.network, front, backendNames)).told)
      }
      return judgement.assessment(told.join('; '))
    },
  },
]

/** A NodePort Service of the check's own before all backends of the fixture; TCP to the port that speaks first. */
async function nodePortService(
  context: CheckContext,
  {
    name = 'own',
    ...port
  }: {
    readonly name?: string
    readonly port?: number
    readonly targetPort?: number
    readonly nodePort?: number
    readonly protocol?: 'TCP' | 'UDP'
  } = {},
): Promise<OwnService> {
  const pods = await fixturePods(context)
  return ownService(context, {
    name,
    ports: [{ port: 81, targetPort: 8081, ...port }],
    spec: { type: 'NodePort' },
    endpoints: pods.map((pod) => endpointOf(pod)),
  })
}

/** The pod that answers a datagram, or what happened instead when the time was up. */
async function whoOverUdp(
  context: CheckContext,
  at: Parameters<CheckContext['probe']>[0],
  host: string,
  port: number,
): Promise<string> {
  const probe = await context.probe(at)
  const { seen } = await eventually(
    () => probe.run({ kind: 'udp', host, port, send: 'who', timeoutMs: 1_000 }, context),
    ({ kind }) => kind === 'udp',
    { withinMs: context.threshold('convergenceMs'), signal: context.signal },
  )
  return seen.kind === 'udp' ? podOf(seen.received) : seen.kind
}
