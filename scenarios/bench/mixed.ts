import type {
  Experiment,
  ExperimentContext,
  LoadGenerator,
  LoadJob,
  LoadResult,
  LoadTarget,
  Metric,
  Replicate,
} from '../../harness/api.ts'
import { edgeNodes } from '../walkthrough/facts.ts'
import { http } from './http-latency.ts'

/** Low: together they are far below what any path carries, so that what is seen is disturbance, not saturation. */
const rateRps = { l4: 150, l7: 150, dns: 150, connect: 100 } as const

type Kind = keyof typeof rateRps

const names: Readonly<Record<Kind, string>> = {
  l4: 'kept connections (L4)',
  l7: 'HTTP requests (L7)',
  dns: 'names',
  connect: 'new connections',
}

const kinds = Object.keys(rateRps) as readonly Kind[]

const window = { warmupMs: 300, durationMs: 2_000 } as const

/** "Do kinds of traffic disturb each other?" */
export const mixed: Experiment = {
  id: 'mixed',
  title: 'Do kinds of traffic through the target disturb each other?',
  means: 'whether one workload of a node slows down the others, although there is capacity left',
  load: `from a pod on the first edge node, ${kinds.map((kind) => `${rateRps[kind]} ${names[kind]}`).join(', ')} per second: each alone, then all at once, in random order, with the same arrivals`,
  metrics: kinds.map((kind): Metric => ({
    id: `${kind}-us`,
    title: `added to ${names[kind]} by the others (median)`,
    unit: 'us',
    better: 'lower',
    role: 'advisory',
    margin: 0.1,
  })),
  uses: ['l4', 'l7'],
  replicates: { quick: 4, full: 12 },
  replicateS: 12,
  run: rounds,
}

async function* rounds(context: ExperimentContext): AsyncGenerator<Replicate> {
  const [client] = edgeNodes(context)
  const at = { node: client.name, network: 'container' } as const
  const generators = new Map<Kind, LoadGenerator>()
  for (const kind of kinds) generators.set(kind, await context.load(at))
  const run = (kind: Kind, round: number): Promise<LoadResult> => {
    const generator = generators.get(kind)
    if (generator === undefined) throw new Error(`no generator for ${kind}`)
    return generator.run(jobOf(context, kind, round), context)
  }
  for (let round = 0; round < context.replicates; round += 1) {
    const alone = new Map<Kind, LoadResult>()
    let together: readonly LoadResult[] = []
    const steps: (() => Promise<void>)[] = [
      ...kinds.map((kind) => async () => void alone.set(kind, await run(kind, round))),
      async () => {
        together = await Promise.all(kinds.map((kind) => run(kind, round)))
      },
    ]
    const order = steps.map((step) => ({ step, key: context.random() }))
    for (const { step } of order.sort((a, b) => a.key - b.key)) await step()
    yield replicateOf(round, alone, together)
  }
}

function replicateOf(
  round: number,
  alone: ReadonlyMap<Kind, LoadResult>,
  together: readonly LoadResult[],
): Replicate {
  const invalid: string[] = []
  const values: Record<string, number> = {}
  for (const [index, kind] of kinds.entries()) {
    const [one, all] = [alone.get(kind), together[index]]
    invalid.push(...(one?.invalid ?? []).map((why) => `${kind} alone: ${why}`))
    invalid.push(...(all?.invalid ?? []).map((why) => `${kind} among others: ${why}`))
    const [before, after] = [one?.response.p50Us, all?.response.p50Us]
    if (before !== undefined && after !== undefined) values[`${kind}-us`] = after - before
  }
  return { label: `round ${round + 1}`, values, ...(invalid.length > 0 && { invalid }) }
}

function jobOf(context: ExperimentContext, kind: Kind, round: number): LoadJob {
  return {
    target: targetOf(context, kind),
    profile: { kind: 'open-loop', rateRps: rateRps[kind], maxInFlight: 200 },
    ...window,
    seed: (context.seed + round * 7_919 + kinds.indexOf(kind)) >>> 0,
  }
}

function targetOf({ facts }: ExperimentContext, kind: Kind): LoadTarget {
  const { clusterIp, l4Port, l7Port, path, serviceName, namespace, clusterDomain, dnsServer } =
    facts
  switch (kind) {
    case 'l4':
      return http(facts, clusterIp, l4Port)
    case 'l7':
      return http(facts, clusterIp, l7Port)
    case 'connect':
      return {
        kind: 'http-connect',
        host: clusterIp,
        port: l4Port,
        path,
        authority: `${serviceName}:${l4Port}`,
        expect: { status: 200, bodySha256: facts.bodySha256 },
      }
    case 'dns':
      return {
        kind: 'dns',
        host: dnsServer,
        port: 53,
        questions: [{ name: `${serviceName}.${namespace}.svc.${clusterDomain}`, type: 'A' }],
        expect: { rcode: 'NOERROR', minAnswers: 1 },
      }
  }
}
