import { setTimeout as delay } from 'node:timers/promises'
import type { Check, CheckContext, Stream } from '../../../harness/api.ts'
import { clusterIpOf } from '../support/cluster-facts.ts'
import { podOf } from '../support/connect.ts'
import { Judgement } from '../support/judgement.ts'
import { backendPod, ports, service } from '../support/objects.ts'
import { inPod } from '../support/positions.ts'
import { backends } from './backends.fixture.ts'
import { answeredBy, type Front, look, podsIn } from './follow.ts'
import { ownPods } from './own-pods.ts'
import { endpointOf, fixturePods, ownService, terminating } from './own-service.ts'

/** Endpoints that are not ready and get connections all the same, or keep those that they have. */
export const conditions: readonly Check[] = [
  {
    requirement: 'L4-RDY-003',
    sends:
      'TCP connections from a pod to a Service with publishNotReadyAddresses whose pod never becomes ready',
    expects: 'the pod answers',
    timeoutMs: 120_000,
    run: async (context) => {
      const [pod] = await ownPods(
        context,
        [
          backendPod({
            name: 'early',
            image: context.backendImage,
            container: {
              readinessProbe: {
                httpGet: { path: '/never', port: ports.control },
                periodSeconds: 1,
              },
            },
          }),
          service('early', [{ name: 'tcp-0', port: 81, targetPort: ports.tcp }], {
            publishNotReadyAddresses: true,
          }),
        ],
        { ready: false },
      )
      if (pod === undefined || pod.ready) throw new Error('the pod is ready, and must not be')
      const host = await clusterIpOf(context, context.namespace, 'early')
      const judgement = new Judgement()
      const front = { at: inPod(context), host, port: 81 }
      const { told } = await answeredBy(context, judgement, 'unready', front, [pod.name])
      return judgement.assessment(told)
    },
  },
  {
    requirement: 'L4-RDY-005',
    sends:
      '5 times, 5 s apart, TCP connections from a pod to a Service whose endpoints all terminate and still serve',
    expects: 'every connection is answered',
    fixtures: [backends],
    timeoutMs: 120_000,
    run: async (context) => {
      const [first, second] = await fixturePods(context)
      const own = await ownService(context, { endpoints: [endpointOf(first)] })
      const front = { at: inPod(context), host: own.host, port: 81 }
      const judgement = new Judgement()
      const before = await answeredBy(context, judgement, 'ready', front, [first.name])
      if (!before.ok) return judgement.assessment('')
      const leaving = [first, second].map((pod) => endpointOf(pod, terminating))
      await own.setEndpoints(leaving)
      const names = [first.name, second.name]
      const after = await answeredBy(context, judgement, 'terminating', front, names)
      for (let time = 2; time <= 5 && after.ok; time += 1) {
        await delay(5_000, undefined, { signal: context.signal })
        const seen = await look(context, front, 10)
        judgement.equal(`probe ${time}: failures`, {}, seen.failures)
        judgement.set(
          `probe ${time}: answers of others`,
          [],
          podsIn(seen).filter((pod) => !names.includes(pod)),
        )
      }
      return judgement.assessment(after.told)
    },
  },
  {
    requirement: 'L4-RDY-006',
    sends:
      'bytes on a connection that was open before its endpoint began to terminate, and after it left the slice',
    expects:
      'both are echoed, and the connection ends when the backend ends it; new connections go elsewhere',
    fixtures: [backends],
    timeoutMs: 150_000,
    run: async (context) => {
      const [one, other] = await fixturePods(context)
      const pods = [one, other]
      const own = await ownService(context, { endpoints: pods.map((pod) => endpointOf(pod)) })
      const front = { at: inPod(context), host: own.host, port: 81 }
      const judgement = new Judgement()
      const names = pods.map(({ name }) => name)
      const before = await answeredBy(context, judgement, 'before', front, names)
      if (!before.ok) return judgement.assessment('')
      await using stream = await openStream(context, front)
      const bound = podOf(await played(context, stream, 'greeting'))
      const [leaving, staying] = bound === one.name ? [one, other] : [other, one]
      judgement.equal('the connection is answered by', leaving.name, bound)
      for (const [what, endpoints] of [
        ['terminating', [endpointOf(leaving, terminating), endpointOf(staying)]],
        ['gone from the slice', [endpointOf(staying)]],
      ] as const) {
        await own.setEndpoints(endpoints)
        const after = await answeredBy(context, judgement, what, front, [staying.name])
        if (!after.ok) return judgement.assessment('')
        judgement.equal(`${what}: echo`, `${what}\n`, await played(context, stream, `${what}\n`))
      }
      const end = await stream.play(
        [{ do: 'end' }, { do: 'read', until: 'end', withinMs: 5_000 }],
        {
          signal: context.signal,
        },
      )
      judgement.equal('when the backend ends it', 'end', end.state)
      return judgement.assessment(`${leaving.name} echoed until it ended the connection`)
    },
  },
]

async function openStream(context: CheckContext, { at, host, port }: Front): Promise<Stream> {
  const probe = await context.probe(at)
  const stream = await probe.stream({ host, port, timeoutMs: 3_000 }, context)
  if (stream.opened.kind === 'opened') return stream
  // why: it was answered a moment ago, so this says nothing of how connections end
  throw new Error(`no connection could be opened: ${stream.opened.kind}`)
}

/** The greeting, or what comes back for a line; what came until then when it does not. */
async function played(context: CheckContext, stream: Stream, line: string): Promise<string> {
  const { base64 } = await stream.play(
    [
      ...(line === 'greeting'
        ? []
        : [{ do: 'send', base64: Buffer.from(line).toString('base64') } as const]),
      { do: 'read', until: { text: '\n' }, withinMs: 5_000 },
    ],
    context,
  )
  return Buffer.from(base64, 'base64').toString()
}
