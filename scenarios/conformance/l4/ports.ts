import type { Check } from '../../../harness/api.ts'
import { byHandInSlices, type SliceInit } from '../support/by-hand.ts'
import { eventually } from '../../eventually.ts'
import { clusterIpOf, podsOf } from '../support/cluster-facts.ts'
import { podAndPortOf } from '../support/connect.ts'
import { describeWho, whoAnswers } from '../support/datagrams.ts'
import { Judgement } from '../support/judgement.ts'
import { ports } from '../support/objects.ts'
import { inPod, onHost } from '../support/positions.ts'
import { backends } from './backends.fixture.ts'
import { answeredBy, notAnswered } from './follow.ts'
import {
  endpointOf,
  fixturePods,
  ownService,
  ownServiceObject,
  patchService,
} from './own-service.ts'
import { secondGreeting, twoPorts } from './ports.fixture.ts'

/** Which port of a Service leads to which port of which endpoint. */
export const portsOfServices: readonly Check[] = [
  {
    requirement: 'L4-TCP-004',
    sends: 'TCP connections from a pod to the two ports of a Service, whose targetPorts differ',
    expects: 'each port is answered by every endpoint, at its own targetPort alone',
    fixtures: [twoPorts],
    timeoutMs: 120_000,
    run: async (context) => {
      const host = await clusterIpOf(context, context.fixture(twoPorts), 'duo')
      const front = { at: inPod(context), host, label: podAndPortOf }
      const judgement = new Judgement()
      const told: string[] = []
      for (const [port, targetPort] of [
        [91, ports.tcp],
        [92, secondGreeting],
      ] as const) {
        const wanted = [`duo-0:${targetPort}`, `duo-1:${targetPort}`]
        const what = `port ${port}`
        const seen = await answeredBy(context, judgement, what, { ...front, port }, wanted)
        told.push(seen.told)
        if (!seen.ok) break
      }
      return judgement.assessment(told.join('; '))
    },
  },
  {
    requirement: 'L4-TCP-005',
    sends: 'TCP connections from a pod to a Service whose targetPort is a name',
    expects: 'each is answered at the container port of that name',
    fixtures: [twoPorts],
    timeoutMs: 90_000,
    run: async (context) => {
      const host = await clusterIpOf(context, context.fixture(twoPorts), 'named')
      const front = { at: inPod(context), host, port: 91, label: podAndPortOf }
      const wanted = [`duo-0:${secondGreeting}`, `duo-1:${secondGreeting}`]
      const judgement = new Judgement()
      const { told } = await answeredBy(context, judgement, 'targetPort greeter', front, wanted)
      return judgement.assessment(told)
    },
  },
  {
    requirement: 'L4-TCP-006',
    sends:
      'TCP connections from a pod to a Service with two EndpointSlices that give its port different numbers',
    expects: 'each endpoint is reached, at the number of its own slice alone',
    fixtures: [twoPorts],
    timeoutMs: 90_000,
    run: async (context) => {
      const [one, other] = await podsOf(context, context.fixture(twoPorts), 'app=duo')
      if (one === undefined || other === undefined) throw new Error('the fixture has no two pods')
      const name = 'own'
      const slice = (pod: typeof one, port: number): SliceInit => ({
        endpoints: [endpointOf(pod)],
        ports: [{ name: 'tcp-0', port }],
      })
      await context.apply([
        ownServiceObject(name, [{ name: 'tcp-0', port: 81, targetPort: 'greeter' }]),
        ...byHandInSlices(name, [slice(one, ports.tcp), slice(other, secondGreeting)]),
      ])
      const host = await clusterIpOf(context, context.namespace, name)
      const front = { at: inPod(context), host, port: 81, label: podAndPortOf }
      const wanted = [`${one.name}:${ports.tcp}`, `${other.name}:${secondGreeting}`]
      const judgement = new Judgement()
      const { told } = await answeredBy(context, judgement, 'two numbers', front, wanted)
      return judgement.assessment(told)
    },
  },
  {
    requirement: 'L4-TCP-007',
    sends:
      'TCP connections and datagrams from a pod to two Services with 53/TCP and 53/UDP, of which either loses one',
    expects:
      'both ports of both answer; then the one that was removed stops and the other still answers',
    fixtures: [backends],
    timeoutMs: 150_000,
    run: async (context) => {
      const [pod] = await fixturePods(context)
      const tcp = { name: 'dns-tcp', port: 53, targetPort: ports.tcp }
      const udp = { name: 'dns', port: 53, targetPort: ports.udp, protocol: 'UDP' } as const
      const at = inPod(context)
      const judgement = new Judgement()
      const told: string[] = []
      for (const [left, gone] of [
        [tcp, udp],
        [udp, tcp],
      ] as const) {
        const name = `keeps-${left.name}`
        const { host } = await ownService(context, {
          name,
          ports: [tcp, udp],
          endpoints: [endpointOf(pod)],
        })
        const front = { at, host, port: 53 }
        const overUdp = (isWanted: boolean): ReturnType<typeof eventually<Who>> =>
          eventually<Who>(
            () => whoAnswers(context, front, { sockets: 3 }),
            ({ pods, unanswered }) => (isWanted ? unanswered === 0 : pods.length === 0),
            { withinMs: context.threshold('convergenceMs'), signal: context.signal },
          )
        const before = await answeredBy(context, judgement, `${name}: TCP before`, front, [
          pod.name,
        ])
        const udpBefore = await overUdp(true)
        judgement.equal(`${name}: UDP unanswered before`, 0, udpBefore.seen.unanswered)
        if (!before.ok || !udpBefore.accepted) break
        await patchService(context, name, { spec: { ports: [{ protocol: 'TCP', ...left }] } })
        if (gone === tcp) await notAnswered(context, judgement, `${name}: TCP after`, front)
        const udpAfter = await overUdp(left === udp)
        judgement.set(
          `${name}: UDP answers after`,
          left === udp ? [pod.name] : [],
          new Set(udpAfter.seen.pods),
        )
        if (left === tcp)
          await answeredBy(context, judgement, `${name}: TCP after`, front, [pod.name])
        told.push(`${name}: ${gone.name} stopped, UDP ${describeWho(udpAfter.seen)}`)
      }
      return judgement.assessment(told.join('; '))
    },
  },
  {
    requirement: 'L4-TCP-013',
    sends:
      'TCP connections from a pod and from the host network to ports that the Service does not have, those of its backends and of the node among them',
    expects: 'its own port is answered; no other is, and none is accepted',
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 120_000,
    run: async (context) => {
      const [pod] = await fixturePods(context)
      const { host } = await ownService(context, {
        ports: [{ name: 'tcp-0', port: 81, targetPort: ports.tcp }],
        endpoints: [endpointOf(pod)],
      })
      const judgement = new Judgement()
      const told: string[] = []
      for (const at of [inPod(context), onHost(context)]) {
        const known = await answeredBy(
          context,
          judgement,
          `${at.network}: port 81`,
          { at, host, port: 81 },
          [pod.name],
        )
        if (!known.ok) break
        const probe = await context.probe(at)
        for (const port of [ports.tcp, ports.http, 22, 6443, 9999]) {
          const seen = await probe.run(
            { kind: 'tcp', host, port, expectBytes: 0, timeoutMs: 1_000 },
            context,
          )
          judgement.holds(
            `${at.network}: port ${port}`,
            'refused or dropped',
            seen.kind,
            ['refused', 'unreachable', 'timed-out'].includes(seen.kind),
          )
          told.push(`${at.network} ${port} ${seen.kind}`)
        }
      }
      return judgement.assessment(told.join(', '))
    },
  },
]

type Who = Awaited<ReturnType<typeof whoAnswers>>
