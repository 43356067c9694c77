import type {
  Experiment,
  ExperimentContext,
  LoadGenerator,
  LoadJob,
  LoadResult,
  Replicate,
} from '../../harness/api.ts'
import { Skip } from '../../harness/api.ts'
import { eventually } from '../eventually.ts'
import { edgeNodes } from '../walkthrough/facts.ts'
import { http } from './http-latency.ts'

const rateRps = 300
const window = { warmupMs: 300, durationMs: 1_500 } as const

/** "Is traffic that is not the mesh's slowed?": the control that edgemesh#114 asks for. */
export const outsideTheMesh: Experiment = {
  id: 'outside-the-mesh',
  title: "Is traffic that is none of the mesh's slower because the target is installed?",
  means:
    'whether installing the data plane costs those who do not use it: connections from pod to pod by address, which no Service has to do with',
  load: `from a pod on the first edge node to nginx on the second by its own address: ${rateRps} requests per second on kept connections, and as many new connections as 8 clients make; with the target installed, and taken off the documented way, in random order`,
  metrics: [
    {
      id: 'added-us',
      title: 'added to a request past the mesh by the target (median)',
      unit: 'us',
      better: 'lower',
      role: 'gated',
      margin: 0.05,
    },
    {
      id: 'connections-percent',
      title: 'new connections per second past the mesh that are left, of those without the target',
      unit: '%',
      better: 'higher',
      role: 'gated',
      margin: 0.05,
    },
  ],
  replicates: { quick: 4, full: 12 },
  replicateS: 12,
  run: pairs,
}

async function* pairs(context: ExperimentContext): AsyncGenerator<Replicate> {
  const [client] = edgeNodes(context)
  const { signal, target } = context
  await takenOffOnce(context, client.name)
  const generator = await context.load({ node: client.name, network: 'container' })
  await quiet(context, client.name)
  for (let pair = 0; pair < context.replicates; pair += 1) {
    const isWithFirst = context.random() < 0.5
    const without = async (): Promise<Seen> => {
      const gone = await target.uninstall({ signal })
      const seen = await look(context, generator, pair)
      await gone.reinstall({ signal })
      await quiet(context, client.name)
      return seen
    }
    const first = isWithFirst ? await look(context, generator, pair) : await without()
    const second = isWithFirst ? await without() : await look(context, generator, pair)
    const [withTarget, past] = isWithFirst ? [first, second] : [second, first]
    yield replicateOf(pair, withTarget, past)
  }
}

/** How long the processes of a target that was taken off may take to be gone. */
const goneMs = 60_000

/** @throws Skip for a target that stays: it has no agent, or was in the cluster before us, as Kubernetes' own parts are */
async function takenOffOnce({ target, signal }: ExperimentContext, node: string): Promise<void> {
  const { pids } = target
  if (pids === undefined || (await pids(node, { signal })).length === 0)
    throw new Skip('the target has no agent on this node')
  const gone = await target.uninstall({ signal })
  const { accepted } = await eventually(
    () => pids(node, { signal }),
    (left) => left.length === 0,
    { withinMs: goneMs, everyMs: 100, signal },
  )
  await gone.reinstall({ signal })
  if (!accepted) throw new Skip('the target was in this cluster before us, and stays')
}

/** How long a target may be busy with its start before it is measured as it is. */
const startedMs = 20_000

/** So little CPU time between two looks is none of a start, in microseconds. */
const idleUs = 20_000

const lookEveryMs = 400

/** Waits until the target's start is over: what it costs then is what users have for days. */
async function quiet({ target, signal }: ExperimentContext, node: string): Promise<void> {
  let lastUs = Infinity
  await eventually(
    async () => {
      const { cpuUs } = await target.usage(node, { signal })
      const usedUs = cpuUs - lastUs
      lastUs = cpuUs
      return usedUs
    },
    (usedUs) => usedUs >= 0 && usedUs < idleUs,
    { withinMs: startedMs, everyMs: lookEveryMs, signal },
  )
}

interface Seen {
  readonly latency: LoadResult
  readonly connections: LoadResult
}

async function look(
  context: ExperimentContext,
  generator: LoadGenerator,
  pair: number,
): Promise<Seen> {
  const { facts } = context
  const seed = (context.seed + pair * 7_919) >>> 0
  const latency: LoadJob = {
    target: http(facts, facts.podIp, facts.podPort),
    profile: { kind: 'open-loop', rateRps, maxInFlight: 200 },
    ...window,
    seed,
  }
  const connections: LoadJob = {
    target: {
      kind: 'http-connect',
      host: facts.podIp,
      port: facts.podPort,
      path: facts.path,
      authority: facts.podIp,
      expect: { status: 200, bodySha256: facts.bodySha256 },
    },
    profile: { kind: 'closed-loop', concurrency: 8 },
    ...window,
    seed,
  }
  return {
    latency: await generator.run(latency, context),
    connections: await generator.run(connections, context),
  }
}

function replicateOf(pair: number, withTarget: Seen, past: Seen): Replicate {
  const invalid = [
    ...[withTarget.latency, withTarget.connections].flatMap((one) =>
      one.invalid.map((why) => `with the target: ${why}`),
    ),
    ...[past.latency, past.connections].flatMap((one) =>
      one.invalid.map((why) => `without it: ${why}`),
    ),
  ]
  const [slow, quick] = [withTarget.latency.response.p50Us, past.latency.response.p50Us]
  return {
    label: `pair ${pair + 1}`,
    values: {
      ...(slow !== undefined && quick !== undefined && { 'added-us': slow - quick }),
      ...(past.connections.achievedRps > 0 && {
        'connections-percent':
          (withTarget.connections.achievedRps / past.connections.achievedRps) * 100,
      }),
    },
    ...(invalid.length > 0 && { invalid }),
    ...(slow !== undefined &&
      quick !== undefined && {
        note: `${Math.round(slow)} µs with the target, ${Math.round(quick)} µs without`,
      }),
  }
}
