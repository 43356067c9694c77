import { setTimeout as delay } from 'node:timers/promises'
import type { Experiment, ExperimentContext, Replicate, Watch } from '../../harness/api.ts'
import { namespaceOf } from '../manifests.ts'
import { edgeNodes } from '../walkthrough/facts.ts'
import {
  backendPods,
  backendPorts,
  backendServicePorts,
  bareService,
  clusterIpOf,
  sliceOf,
} from './backends.ts'
import { settledOn } from './sightings.ts'

const everyMs = 5
const timeoutMs = 1_000

/** More than the few hundred flows after which EdgeMesh sent no datagram any more (edgemesh#567: 488 streams). */
const flows = 600

/** Between two rounds flows are left alone, as devices leave them. */
const idleMs = 1_000

/** Flows that were lost past the target say that machine or network lost them, not the target. */
const directLossPercent = 0.5

/** "Do new UDP flows still work after some thousands?" (edgemesh#567) */
export const udpChurn: Experiment = {
  id: 'udp-churn',
  title: 'Do new UDP flows still work when there were some thousands before?',
  means:
    'whether devices that send datagrams from ever new ports still reach their Service after minutes, or only until the agent is restarted',
  load: `in a pod on the first edge node a new socket every ${everyMs} ms, with one datagram to the Service and one back; ${flows} flows a round, then a second of rest; as many past the target to the pod itself`,
  metrics: [
    {
      id: 'lost-percent',
      title: 'flows without an answer, of a round',
      unit: '%',
      better: 'lower',
      role: 'gated',
      margin: 0.05,
    },
    {
      id: 'p50-ms',
      title: 'time until the answer (median of a round)',
      unit: 'ms',
      better: 'lower',
      role: 'advisory',
      margin: 0.1,
    },
    {
      id: 'drift-ms',
      title: 'growth of that time, by flows made before',
      unit: 'ms',
      better: 'lower',
      role: 'advisory',
      margin: 0.1,
      summary: { kind: 'slope', per: 1_000 },
    },
  ],
  replicates: { quick: 5, full: 10 },
  replicateS: 8,
  run: rounds,
}

async function* rounds(context: ExperimentContext): AsyncGenerator<Replicate> {
  const [, server] = edgeNodes(context)
  const namespace = namespaceOf(context)
  const service = 'mm-udp-churn'
  const [pod] = await backendPods(context, [`${service}-a`], server.name)
  if (pod === undefined) throw new Error('there is no backend')
  await context.apply([bareService(service, namespace), sliceOf(service, namespace, [pod])])
  const host = await clusterIpOf(context, service)
  {
    await using first = await flowsTo(context, host, backendServicePorts.udp)
    const { signal } = context
    if (!(await first.until(settledOn([pod.name]), { withinMs: 30_000, signal })))
      throw new Error(`datagrams to ${host} were not answered at all`)
  }
  for (let round = 0; round < context.replicates; round += 1) {
    const isDirectFirst = context.random() < 0.5
    const ask = (isDirect: boolean): Promise<Round> =>
      isDirect
        ? oneRound(context, pod.ip, backendPorts.udp)
        : oneRound(context, host, backendServicePorts.udp)
    const one = await ask(isDirectFirst)
    const other = await ask(!isDirectFirst)
    const [direct, target] = isDirectFirst ? [one, other] : [other, one]
    yield {
      label: `round ${round + 1}: flows ${round * flows + 1} to ${(round + 1) * flows}`,
      size: (round + 1) * flows,
      values: {
        'lost-percent': target.lostPercent,
        'p50-ms': target.p50Ms,
        'drift-ms': target.p50Ms,
      },
      ...(direct.lostPercent > directLossPercent && {
        invalid: [
          `past the target ${direct.lostPercent.toFixed(1)} % were lost as well, want ${directLossPercent} % at most`,
        ],
      }),
      ...(target.reasons !== '' && { note: target.reasons }),
    }
    await delay(idleMs, undefined, { signal: context.signal })
  }
}

interface Round {
  readonly lostPercent: number
  /** The time-out when nothing was answered. */
  readonly p50Ms: number
  readonly reasons: string
}

async function oneRound(context: ExperimentContext, host: string, port: number): Promise<Round> {
  const { signal } = context
  await using watch = await flowsTo(context, host, port)
  const isOver = await watch.until(({ length }) => length >= flows, { withinMs: 60_000, signal })
  if (!isOver) throw new Error(`${flows} flows took more than a minute: the generator is too slow`)
  const seen = watch.sightings.slice(0, flows)
  const lost = seen.filter(({ answered }) => !answered)
  const times = seen
    .filter(({ answered }) => answered)
    .map(({ tookMs }) => tookMs)
    .sort((a, b) => a - b)
  const reasons = [...new Set(lost.map(({ seen: why }) => why))]
  return {
    lostPercent: (lost.length / flows) * 100,
    p50Ms: times[Math.floor(times.length / 2)] ?? timeoutMs,
    reasons: lost.length === 0 ? '' : `${lost.length} lost: ${reasons.join(', ')}`,
  }
}

function flowsTo(context: ExperimentContext, host: string, port: number): Promise<Watch> {
  const [client] = edgeNodes(context)
  return context.watch(
    { node: client.name, network: 'container' },
    { target: { kind: 'udp', host, port }, everyMs, timeoutMs },
  )
}
