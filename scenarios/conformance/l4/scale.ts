import { setTimeout as delay } from 'node:timers/promises'
import { byHand, byHandInSlices, type SliceInit } from '../support/by-hand.ts'
import type { Check, CheckContext, Fixture } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { clusterIpOf, podsOf } from '../support/cluster-facts.ts'
import { podAndPortOf, volley } from '../support/connect.ts'
import { Judgement } from '../support/judgement.ts'
import { backendPod, ports } from '../support/objects.ts'
import { inPod } from '../support/positions.ts'
import { backends } from './backends.fixture.ts'
import { answeredBy } from './follow.ts'
import { endpointOf, fixturePods, ownService, ownServiceObject } from './own-service.ts'

const [firstPort, portCount] = [10_000, 334]

/** Three backends that listen at 334 ports each: 1002 endpoints without as many pods. */
const manyPorts: Fixture = {
  id: 'l4-many-ports',
  manifests: ({ nodes, backendImage }) =>
    [0, 1, 2].map((i) =>
      backendPod({
        name: `many-${i}`,
        image: backendImage,
        node: nodes[i % 2]?.name ?? '',
        container: {
          args: [
            ...['--control', String(ports.control)],
            ...Array.from({ length: portCount }, (_, at) => [
              '--tcp',
              String(firstPort + at),
            ]).flat(),
          ],
        },
      }),
    ),
}

const manyServices = 1_000

/** Shares of a CPU, in percent. */
const idlePercent = 20

/** Many endpoints, many Services. */
export const scale: readonly Check[] = [
  {
    requirement: 'L4-SCL-001',
    sends: 'TCP connections to a Service with 150 endpoints until each has answered',
    expects: 'each endpoint answers, before chance could explain that one is missing',
    fixtures: [manyPorts],
    timeoutMs: 300_000,
    run: (context) => reachesAll(context, 150),
  },
  {
    requirement: 'L4-SCL-002',
    sends: 'TCP connections to a Service with 1001 endpoints until each has answered',
    expects: 'each endpoint answers, before chance could explain that one is missing',
    fixtures: [manyPorts],
    timeoutMs: 600_000,
    run: (context) => reachesAll(context, 1_001),
  },
  {
    requirement: 'L4-SCL-003',
    sends: `TCP connections to the last of ${manyServices} Services, each with an endpoint`,
    expects: "it is answered in time, and the agent's CPU comes to rest in time",
    fixtures: [backends],
    timeoutMs: 400_000,
    run: async (context) => {
      const [pod] = await fixturePods(context)
      const names = Array.from({ length: manyServices }, (_, i) => `many-${i}`)
      const port = { name: 'tcp-0', port: 81, targetPort: ports.tcp }
      for (let from = 0; from < names.length; from += 100)
        await context.apply(
          names
            .slice(from, from + 100)
            .flatMap((name) => [
              ownServiceObject(name, [port]),
              ...byHand(name, [endpointOf(pod)], [{ name: 'tcp-0', port: ports.tcp }]),
            ]),
        )
      const host = await clusterIpOf(context, context.namespace, names.at(-1) ?? '')
      const judgement = new Judgement()
      const front = { at: inPod(context), host, port: 81 }
      const last = await answeredBy(context, judgement, 'the last one', front, [pod.name])
      const { seen, tookMs } = await eventually(
        () => cpuPercent(context),
        (percent) => percent <= idlePercent,
        { withinMs: context.threshold('convergenceMs'), signal: context.signal },
      )
      judgement.atMost("the agent's CPU", idlePercent, seen, '%')
      return judgement.assessment(
        `the last one took ${Math.round(last.tookMs)} ms; ${seen.toFixed(0)} % of a CPU after ${Math.round(tookMs)} ms`,
      )
    },
  },
]

/** Of the target's processes on the clients' node, over two seconds. */
async function cpuPercent(context: CheckContext): Promise<number> {
  const { node } = inPod(context)
  const [before, startedAt] = [await context.target.usage(node, context), performance.now()]
  await delay(2_000, undefined, context)
  const after = await context.target.usage(node, context)
  return (after.cpuUs - before.cpuUs) / 10 / (performance.now() - startedAt)
}

async function reachesAll(context: CheckContext, count: number): ReturnType<Check['run']> {
  const pods = await podsOf(context, context.fixture(manyPorts))
  const wanted: string[] = []
  const slices: SliceInit[] = []
  for (let at = firstPort; wanted.length < count; at += 1) {
    const members = pods.slice(0, count - wanted.length)
    wanted.push(...members.map(({ name }) => `${name}:${at}`))
    const endpoints = members.map((pod) => endpointOf(pod))
    slices.push({ endpoints, ports: [{ port: at }] })
  }
  const { host } = await ownService(context, {
    ports: [{ port: 81, targetPort: firstPort }],
    endpoints: [],
  })
  await context.apply(byHandInSlices('own', slices))
  // why: of a fair choice at random so many connections miss one of the endpoints once in 20 000 runs
  const enough = Math.ceil(count * (Math.log(count) + 10))
  const missing = new Set(wanted)
  const strangers = new Set<string>()
  const startedAt = performance.now()
  let sent = 0
  let failures: object = {}
  while (missing.size > 0 || Object.keys(failures).length > 0) {
    if (sent >= enough && performance.now() - startedAt > context.threshold('convergenceMs')) break
    const seen = await volley(context, inPod(context), {
      host,
      port: 81,
      connections: 500,
      concurrency: 25,
      connectionTimeoutMs: 5_000,
    })
    sent += 500
    failures = seen.failures
    for (const { answer } of seen.answers) {
      const endpoint = podAndPortOf(answer)
      if (!missing.delete(endpoint) && !wanted.includes(endpoint)) strangers.add(endpoint)
    }
  }
  return new Judgement()
    .equal('endpoints that were not reached', 0, missing.size)
    .set('answers of no endpoint', [], strangers)
    .equal('failures at last', {}, failures)
    .assessment(`${count} endpoints answered in ${sent} connections`)
}
