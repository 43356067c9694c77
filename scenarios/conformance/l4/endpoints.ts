import type { Check, CheckContext } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { clusterIpOf } from '../support/cluster-facts.ts'
import { control, podOf, request } from '../support/connect.ts'
import { Judgement } from '../support/judgement.ts'
import { backendPod, endpointSlice, ports, service } from '../support/objects.ts'
import { inPod } from '../support/positions.ts'
import { backendNames, backends } from './backends.fixture.ts'
import { answeredBy, type Front, look, notAnswered } from './follow.ts'
import { ownPods } from './own-pods.ts'
import {
  deleteService,
  endpointOf,
  fixturePods,
  ownService,
  ownServiceObject,
} from './own-service.ts'

/** Ports of a backend on the host network, where others may listen at the usual ones. */
const outsidePorts = { tcp: 19_081, control: 19_090 } as const

/** More than any usual limit of a line, and than a TCP window. */
const largeBytes = 110_000

/** Who may be an endpoint, and who may ask. */
export const endpoints: readonly Check[] = [
  {
    requirement: 'L4-TCP-003',
    sends: '30 TCP connections from each backend of a Service to that Service',
    expects: 'each backend reaches every endpoint, itself included, and no connection fails',
    fixtures: [backends],
    timeoutMs: 120_000,
    run: async (context) => {
      const host = await clusterIpOf(context, context.fixture(backends), 'web')
      const judgement = new Judgement()
      const told: string[] = []
      for (const { name, ip } of await fixturePods(context)) {
        const { seen } = await eventually(
          () => dialFrom(context, ip, host),
          ({ pods, errors }) => errors.length === 0 && pods.length === backendNames.length,
          { withinMs: context.threshold('convergenceMs'), signal: context.signal },
        )
        judgement.set(`${name}: pods that answer`, backendNames, seen.pods)
        judgement.set(`${name}: failures`, [], seen.errors)
        told.push(`${name} reaches ${seen.pods.join(', ')}`)
        if (!judgement.ok) break
      }
      return judgement.assessment(told.join('; '))
    },
  },
  {
    requirement: 'L4-TCP-008',
    sends:
      'TCP connections from a pod to two Services with one selector, before and after one is deleted',
    expects:
      'both answer; then the deleted one stops, and of the other not one connection fails meanwhile',
    timeoutMs: 120_000,
    run: async (context) => {
      const labels = { app: 'shared' }
      const ways = [{ name: 'tcp-0', port: 81, targetPort: ports.tcp }]
      const [pod] = await ownPods(context, [
        backendPod({ name: 'shared-0', image: context.backendImage, labels }),
        service('stays', ways, { selector: labels }),
        service('goes', ways, { selector: labels }),
      ])
      if (pod === undefined) throw new Error('there is no pod')
      const at = inPod(context)
      const frontOf = async (name: string): Promise<Front> => ({
        at,
        host: await clusterIpOf(context, context.namespace, name),
        port: 81,
      })
      const [stays, goes] = [await frontOf('stays'), await frontOf('goes')]
      const judgement = new Judgement()
      const names = [pod.name]
      for (const [name, front] of [
        ['stays', stays],
        ['goes', goes],
      ] as const)
        if (!(await answeredBy(context, judgement, `${name}, before`, front, names)).ok)
          return judgement.assessment('')
      await deleteService(context, 'goes')
      const meanwhile = await look(context, stays, 30)
      judgement.equal('stays, meanwhile: failures', {}, meanwhile.failures)
      const gone = await notAnswered(context, judgement, 'goes, after', goes)
      const after = await answeredBy(context, judgement, 'stays, after', stays, names)
      return judgement.assessment(`${gone.told}; ${after.told}`)
    },
  },
  {
    requirement: 'L4-TCP-009',
    sends:
      'TCP connections from a pod to a Service without selector, with a hand-made EndpointSlice and no Endpoints',
    expects: 'exactly the endpoints of the slice answer',
    fixtures: [backends],
    timeoutMs: 90_000,
    run: async (context) => {
      const [first, , third] = await fixturePods(context)
      await context.apply([
        ownServiceObject('own', [{ name: 'tcp-0', port: 81 }]),
        endpointSlice(
          'own',
          [endpointOf(first), endpointOf(third)],
          [{ name: 'tcp-0', port: ports.tcp }],
        ),
      ])
      const host = await clusterIpOf(context, context.namespace, 'own')
      const judgement = new Judgement()
      const { told } = await answeredBy(
        context,
        judgement,
        'hand-made slice',
        { at: inPod(context), host, port: 81 },
        [first.name, third.name],
      )
      return judgement.assessment(told)
    },
  },
  {
    requirement: 'L4-TCP-010',
    sends:
      'TCP connections from a pod on each edge node to a Service whose endpoint is an address of no pod, without nodeName and targetRef',
    expects: 'the program that listens at that address answers',
    timeoutMs: 120_000,
    run: async (context) => {
      const { nodes, backendImage } = context
      const outside = nodes.at(-1)
      if (outside === undefined) throw new Error('there is no node')
      const listen = Object.entries(outsidePorts).flatMap(([way, port]) => [`--${way}`, `${port}`])
      const [pod] = await ownPods(context, [
        backendPod({
          name: 'outside',
          image: backendImage,
          node: outside.name,
          spec: { hostNetwork: true },
          container: {
            args: listen,
            readinessProbe: {
              httpGet: { path: '/readyz', port: outsidePorts.control },
              periodSeconds: 1,
            },
          },
        }),
      ])
      if (pod === undefined) throw new Error('there is no pod')
      const { host } = await ownService(context, {
        ports: [{ name: 'tcp-0', port: 81, targetPort: outsidePorts.tcp }],
        endpoints: [{ addresses: [outside.address] }],
      })
      const judgement = new Judgement()
      const told: string[] = []
      for (const at of [inPod(context, 0), inPod(context, 1)]) {
        const front = { at, host, port: 81 }
        const seen = await answeredBy(context, judgement, at.node, front, [pod.name])
        told.push(seen.told)
        if (!seen.ok) break
      }
      return judgement.assessment(told.join('; '))
    },
  },
  {
    requirement: 'L4-TCP-014',
    sends: `an HTTP request from a pod with a request line and a body of ${largeBytes} bytes each, to a port that is not HTTP by name`,
    expects: 'the backend got both whole',
    fixtures: [backends],
    timeoutMs: 90_000,
    run: async (context) => {
      const host = await clusterIpOf(context, context.fixture(backends), 'web')
      const target = `/?${'q'.repeat(largeBytes)}`
      const { seen } = await eventually(
        () =>
          request(context, inPod(context), `http://${host}:84${target}`, {
            method: 'POST',
            body: 'b'.repeat(largeBytes),
            timeoutMs: 10_000,
          }),
        ({ kind }) => kind === 'http',
        { withinMs: context.threshold('convergenceMs'), signal: context.signal },
      )
      const judgement = new Judgement()
      if (seen.kind !== 'http') {
        judgement.equal('the request comes to', 'http', seen.kind)
        return judgement.assessment('')
      }
      judgement.equal('status', 200, seen.status)
      if (seen.status !== 200) return judgement.assessment('')
      const { head = '', bodyBytes } = JSON.parse(seen.body) as {
        readonly head?: string
        readonly bodyBytes?: number
      }
      const [line = ''] = Buffer.from(head, 'base64').toString('latin1').split('\r\n')
      judgement.equal('bytes of the body', largeBytes, bodyBytes)
      judgement.holds(
        'the request line',
        'as it was sent',
        `${line.length} bytes`,
        line === `POST ${target} HTTP/1.1`,
      )
      return judgement.assessment(`a line of ${line.length} bytes, a body of ${bodyBytes} bytes`)
    },
  },
]

async function dialFrom(
  context: CheckContext,
  podIp: string,
  host: string,
): Promise<{ readonly pods: readonly string[]; readonly errors: readonly string[] }> {
  // why: at once, one connection per order, because each may take its time-out and the order has a bound
  const order = { host, port: 81, times: 1 }
  const dialled = await Promise.all(
    Array.from({ length: 30 }, () => control(context, podIp, '/dial', order) as Promise<Dialled>),
  )
  return {
    pods: [...new Set(dialled.flatMap(({ answers }) => answers.map(podOf)))],
    errors: [...new Set(dialled.flatMap(({ failures }) => Object.keys(failures)))],
  }
}

interface Dialled {
  readonly answers: readonly string[]
  readonly failures: Readonly<Record<string, number>>
}
