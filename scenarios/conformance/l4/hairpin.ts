import type { Check } from '../../../harness/api.ts'
import { control, podOf } from '../support/connect.ts'
import { Judgement } from '../support/judgement.ts'
import { inPod, onHost } from '../support/positions.ts'
import { backendPod, ports } from '../support/objects.ts'
import { backends } from './backends.fixture.ts'
import { answeredBy } from './follow.ts'
import { ownPods } from './own-pods.ts'
import { endpointOf, fixturePods, ownService } from './own-service.ts'

/** With two backends and any fair choice a backend meets itself sooner, but for 1 in 10^9 runs. */
const mostConnections = 30

/** Ways in that lead back to where they came from, or past the Services. */
export const hairpin: readonly Check[] = [
  {
    requirement: 'L4-HP-001',
    sends: `up to ${mostConnections} TCP connections of a backend to its own Service, which has another endpoint`,
    expects: 'every one is answered, and one of them by the backend itself',
    fixtures: [backends],
    run: async (context) => {
      const [self, other] = await fixturePods(context)
      const { host } = await ownService(context, {
        endpoints: [endpointOf(self), endpointOf(other)],
      })
      const judgement = new Judgement()
      const front = { at: inPod(context), host, port: 81 }
      const both = [self.name, other.name]
      const known = await answeredBy(context, judgement, 'the Service', front, both)
      if (!known.ok) return judgement.assessment('')
      const met: string[] = []
      const goesOn = () => met.every((one) => one === other.name)
      while (met.length < mostConnections && goesOn()) {
        const order = { host, port: 81, times: 1 }
        const said = (await control(context, self.ip, '/dial', order)) as {
          readonly answers: readonly string[]
          readonly failures: Readonly<Record<string, number>>
        }
        met.push(...said.answers.map(podOf), ...Object.keys(said.failures))
      }
      judgement.set(
        'strangers and failures',
        [],
        met.filter((one) => !both.includes(one)),
      )
      judgement.holds('whom it meets', self.name, met.join(', '), met.includes(self.name))
      return judgement.assessment(`${self.name} met ${met.join(', ')}`)
    },
  },
  {
    requirement: 'L4-HP-002',
    sends: "TCP connections from a pod and from a host to a pod's hostPort",
    expects: 'the pod answers',
    capabilities: ['kubernetes', 'node-access'],
    timeoutMs: 180_000,
    run: async (context) => {
      const [a] = context.nodes
      if (a === undefined) throw new Error('want a node')
      const hostPort = 20_000 + (context.seed % 8_000)
      const container = { ports: [{ containerPort: ports.tcp, hostPort }] }
      const image = context.backendImage
      await ownPods(context, [backendPod({ name: 'host-port', image, node: a.name, container })])
      const judgement = new Judgement()
      const told: string[] = []
      for (const at of [inPod(context, 1), onHost(context, 1), inPod(context)]) {
        const front = { at, host: a.address, port: hostPort }
        const what = `${at.network} of ${at.node}`
        told.push((await answeredBy(context, judgement, what, front, ['host-port'])).told)
      }
      return judgement.assessment(told.join('; '))
    },
  },
]
