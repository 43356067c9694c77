import { eventually } from '../../eventually.ts'
import type { Check, CheckContext } from '../../../harness/api.ts'
import { byHand } from '../support/by-hand.ts'
import { clusterIpOf } from '../support/cluster-facts.ts'
import { podAndPortOf } from '../support/connect.ts'
import { Judgement } from '../support/judgement.ts'
import { backendPod, ports, service } from '../support/objects.ts'
import { inPod, onHost } from '../support/positions.ts'
import { onNode } from '../support/shell.ts'
import { backends } from './backends.fixture.ts'
import { answeredBy, type Front, notAnswered } from './follow.ts'
import { ownPods } from './own-pods.ts'
import {
  deleteService,
  endpointOf,
  fixturePods,
  ownService,
  ownServiceObject,
  patchService,
} from './own-service.ts'
import { secondGreeting } from './ports.fixture.ts'

const greeting = { name: 'tcp-0', port: 81, targetPort: ports.tcp } as const

/** Services come, go and change. */
export const life: readonly Check[] = [
  {
    requirement: 'L4-LIFE-001',
    sends:
      'TCP connections from a pod and from the host network to the ClusterIP of a Service before and after it is deleted',
    expects:
      'it answers before; after it nothing answers or accepts there, and the node has no listener at that address',
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 150_000,
    run: async (context) => {
      const [pod] = await fixturePods(context)
      const own = await ownService(context, { endpoints: [endpointOf(pod)] })
      const fronts = [inPod(context), onHost(context)].map((at) => ({
        at,
        host: own.host,
        port: 81,
      }))
      const judgement = new Judgement()
      for (const front of fronts) {
        const what = `before, ${front.at.network} network`
        if (!(await answeredBy(context, judgement, what, front, [pod.name])).ok)
          return judgement.assessment('')
      }
      await deleteService(context, own.name)
      const told: string[] = []
      for (const front of fronts) {
        const what = `after, ${front.at.network} network`
        told.push((await notAnswered(context, judgement, what, front)).told)
        judgement.holds(
          `${what}: connecting`,
          'is not accepted',
          ...(await accepts(context, front)),
        )
      }
      const listening = await listenersAt(context, own.host)
      judgement.set('ports that the node listens on at this address', [], listening)
      return judgement.assessment(told.join('; '))
    },
  },
  {
    requirement: 'L4-LIFE-002',
    sends:
      'TCP connections from a pod to a Service that is deleted and made again three times: first when nothing answers any more, then at once',
    expects: 'each time it answers at its ClusterIP, by its endpoint',
    fixtures: [backends],
    timeoutMs: 150_000,
    run: async (context) => {
      const pods = await fixturePods(context)
      const judgement = new Judgement()
      const told: string[] = []
      for (const [turn, pod] of pods.entries()) {
        const own = await ownService(context, { endpoints: [endpointOf(pod)] })
        const front = { at: inPod(context), host: own.host, port: 81 }
        const seen = await answeredBy(context, judgement, `at ${own.host}`, front, [pod.name])
        told.push(seen.told)
        if (!seen.ok) break
        await deleteService(context, own.name)
        // why: made again at once, it may never have been away for a data plane that follows in steps
        if (turn === 0) told.push((await notAnswered(context, judgement, 'deleted', front)).told)
      }
      return judgement.assessment(told.join('; '))
    },
  },
  {
    requirement: 'L4-LIFE-003',
    sends:
      'TCP connections from a pod to a ClusterIP whose Service is deleted, and which another Service then gets',
    expects: 'once the other one answers, no connection reaches the backends of the first',
    fixtures: [backends],
    timeoutMs: 150_000,
    run: async (context) => {
      const [old, next] = await fixturePods(context)
      const first = await ownService(context, { name: 'first', endpoints: [endpointOf(old)] })
      const front = { at: inPod(context), host: first.host, port: 81 }
      const judgement = new Judgement()
      const before = await answeredBy(context, judgement, 'first', front, [old.name])
      if (!before.ok) return judgement.assessment('')
      await deleteService(context, first.name)
      await ownService(context, {
        name: 'second',
        spec: { clusterIP: first.host },
        endpoints: [endpointOf(next)],
      })
      const after = await answeredBy(context, judgement, 'second', front, [next.name])
      return judgement.assessment(`${before.told}; ${after.told}`)
    },
  },
  {
    requirement: 'L4-LIFE-004',
    sends:
      'TCP connections from a pod while a Service gets a second port, a port gets another number, one is removed, targetPort changes, then the selector',
    expects:
      'after each change exactly what the Service says answers, and what it no longer says does not',
    timeoutMs: 240_000,
    run: async (context) => {
      const { backendImage: image } = context
      const pod = (name: string): ReturnType<typeof backendPod> =>
        backendPod({ name, image, args: ['--tcp', String(secondGreeting)] })
      await ownPods(context, [
        pod('one'),
        pod('two'),
        service('own', [greeting], { selector: { app: 'one' } }),
      ])
      const host = await clusterIpOf(context, context.namespace, 'own')
      const judgement = new Judgement()
      const told: string[] = []
      for (const { what, spec, answers = [], silent = [] } of changes) {
        if (spec !== undefined) await patchService(context, 'own', { spec })
        for (const [port, by] of answers) {
          const front = { at: inPod(context), host, port, label: podAndPortOf }
          const seen = await answeredBy(context, judgement, `${what}, port ${port}`, front, [by])
          if (!seen.ok) return judgement.assessment('')
        }
        for (const port of silent)
          await notAnswered(context, judgement, `${what}, port ${port}`, {
            at: inPod(context),
            host,
            port,
          })
        told.push(what)
      }
      return judgement.assessment(`followed: ${told.join('; ')}`)
    },
  },
  {
    requirement: 'L4-LIFE-005',
    sends:
      'TCP connections from a pod while a Service goes from ExternalName to ClusterIP, NodePort, ExternalName, NodePort and ClusterIP',
    expects:
      'its ClusterIP answers while it has one and not after; so do its node ports, where the target claims nodePort',
    fixtures: [backends],
    timeoutMs: 240_000,
    run: async (context) => {
      const [pod] = await fixturePods(context)
      const node = context.nodes[1] ?? context.nodes[0]
      if (node === undefined) throw new Error('there is no node')
      const slice = byHand('own', [endpointOf(pod)], [{ name: 'tcp-0', port: ports.tcp }])
      const external = { type: 'ExternalName', externalName: 'example.org' }
      await context.apply([ownServiceObject('own', [greeting], external), ...slice])
      const judgement = new Judgement()
      const told: string[] = []
      const at = inPod(context)
      let past: readonly Front[] = []
      for (const type of ['ClusterIP', 'NodePort', 'ExternalName', 'NodePort', 'ClusterIP']) {
        const { spec } = await patchService(context, 'own', { spec: typePatch(type) })
        const facts = spec as { clusterIP?: string; ports?: readonly { nodePort?: number }[] }
        const now: Front[] = []
        if (type !== 'ExternalName') now.push({ at, host: facts.clusterIP ?? '', port: 81 })
        const nodePort = facts.ports?.[0]?.nodePort
        if (type === 'NodePort' && nodePort !== undefined && context.features.has('nodePort'))
          now.push({ at, host: node.address, port: nodePort })
        for (const front of now) {
          const what = `${type} at ${front.host}:${front.port}`
          const seen = await answeredBy(context, judgement, what, front, [pod.name])
          if (!seen.ok) return judgement.assessment('')
        }
        for (const front of past.filter((one) => !now.some((other) => sameFront(one, other))))
          await notAnswered(context, judgement, `${type}: ${front.host}:${front.port}`, front)
        past = now
        told.push(type)
      }
      return judgement.assessment(`followed: ${told.join(' → ')}`)
    },
  },
]

interface Change {
  readonly what: string
  readonly spec?: object
  /** Port, and the pod and port that answer there. */
  readonly answers?: readonly (readonly [number, string])[]
  readonly silent?: readonly number[]
}

const tcpPort = (name: string, port: number, targetPort: number): object => ({
  name,
  port,
  targetPort,
  protocol: 'TCP',
})

const changes: readonly Change[] = [
  { what: 'as made', answers: [[81, `one:${ports.tcp}`]], silent: [85] },
  {
    what: 'a port is added',
    spec: {
      ports: [tcpPort('tcp-0', 81, ports.tcp), tcpPort('tcp-1', 85, secondGreeting)],
    },
    answers: [
      [85, `one:${secondGreeting}`],
      [81, `one:${ports.tcp}`],
    ],
  },
  {
    what: 'a port is renumbered',
    spec: {
      ports: [tcpPort('tcp-0', 81, ports.tcp), tcpPort('tcp-1', 86, secondGreeting)],
    },
    answers: [[86, `one:${secondGreeting}`]],
    silent: [85],
  },
  {
    what: 'a port is removed',
    spec: { ports: [tcpPort('tcp-0', 81, ports.tcp)] },
    answers: [[81, `one:${ports.tcp}`]],
    silent: [86],
  },
  {
    what: 'targetPort changes',
    spec: { ports: [tcpPort('tcp-0', 81, secondGreeting)] },
    answers: [[81, `one:${secondGreeting}`]],
  },
  {
    what: 'the selector changes',
    spec: { selector: { app: 'two' } },
    answers: [[81, `two:${secondGreeting}`]],
  },
]

/** What kubectl edit would change; the API server gives and takes ClusterIPs and node ports. */
function typePatch(type: string): object {
  return type === 'ExternalName'
    ? { type, externalName: 'example.org', clusterIP: null, clusterIPs: null }
    : { type, externalName: null }
}

function sameFront(one: Front, other: Front): boolean {
  return one.host === other.host && one.port === other.port
}

/** What was observed when connecting, and whether it is no acceptance. */
async function accepts(
  context: CheckContext,
  { at, host, port }: Front,
): Promise<readonly [string, boolean]> {
  const probe = await context.probe(at)
  const { accepted, seen } = await eventually(
    () => probe.run({ kind: 'tcp', host, port, expectBytes: 0, timeoutMs: 1_000 }, context),
    ({ kind }) => ['refused', 'unreachable', 'timed-out'].includes(kind),
    { withinMs: context.threshold('convergenceMs'), signal: context.signal },
  )
  return [seen.kind, accepted]
}

/** TCP ports on which somebody on the first node listens at exactly this address (proc(5): /proc/net/tcp, state 0A). */
async function listenersAt(context: CheckContext, address: string): Promise<readonly string[]> {
  const hex = Buffer.from(address.split('.').map(Number).reverse()).toString('hex').toUpperCase()
  const text = await onNode(context, 0, 'cat /proc/net/tcp')
  return [...text.matchAll(/^\s*\d+: ([0-9A-F]{8}):([0-9A-F]{4}) \S+ 0A /gm)]
    .filter(([, local]) => local === hex)
    .map(([, , port = '']) => String(parseInt(port, 16)))
}
