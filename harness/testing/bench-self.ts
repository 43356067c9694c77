import { spawn } from 'node:child_process'
import { setMaxListeners } from 'node:events'
import { parseArgs } from 'node:util'
import { reference } from '../targets/reference/target.ts'
import { local } from '../clusters/local/provider.ts'
import { suiteVersion } from '../cli/package.ts'
import { topologyFor } from '../cli/session.ts'
import { prepareBench } from '../../scenarios/bench/prepare.ts'
import { stage } from '../engine/stage.ts'
import { connectLoad } from '../load/client.ts'
import { median } from '../measure/quantile.ts'
import { randomStream } from '../measure/random.ts'
import { ResourceStack } from '../model/resource-stack.ts'
import { connectProbe } from '../probes/client.ts'
import { kindArms, probeRoundTripMs } from './bench-real-clusters.ts'
import { cannotRunKind, kindForTests } from './needs-kind.ts'
import { defaultTopology } from '../clusters/local/topology.ts'
import { dnsArms, httpArms, startRivals } from './bench-rivals.ts'
import { root } from './sources.ts'

/*
 * Benchmarks of ourselves (`npm run bench:self`): every number is a ratio of two things measured in turn in one run,
 * with its spread, because machines differ and one machine differs from minute to minute.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
})
const rounds = Number(values.rounds)
const random = randomStream(Number(values.seed))
const { signal } = new AbortController()
setMaxListeners(0, signal)

/** One thing measured, once per round. */
export interface Arm {
  readonly name: string
  readonly measure: () => Promise<number>
}

const parts: Readonly<Record<string, () => Promise<void>>> = {
  cluster: clusterReady,
  'data-plane': dataPlane,
  kind: kindReady,
  probe: probeRoundTrips,
}
for (const [name, part] of Object.entries(parts))
  if (values.only === undefined || values.only === name) await part()

/** The same on real nodes: what we add to the kind CLI. */
async function kindReady(): Promise<void> {
  const reason = await cannotRunKind()
  if (reason !== false) {
    console.log(`\nkind: left out, ${reason}`)
    return
  }
  const target = reference({ packageDirectory: root, version: suiteVersion() })
  tell('kind ready', await inTurn(kindArms(target, topologyFor(target), signal)), 0)
}

/** What a check costs at least, per provider. */
async function probeRoundTrips(): Promise<void> {
  const topology = defaultTopology()
  const held = new ResourceStack()
  try {
    const providers = [local({ packageDirectory: root })]
    if ((await cannotRunKind()) === false) providers.push(kindForTests())
    const arms: Arm[] = []
    for (const provider of providers) {
      const cluster = held.use(await provider.create(topology, { runId: 'bench-probe', signal }))
      arms.push({
        name: `${provider.id}: a check's round trip (ms)`,
        measure: () => probeRoundTripMs(cluster, signal),
      })
    }
    tell('Probe round trip, median of 300', await inTurn(arms), 2)
  } finally {
    await held[Symbol.asyncDispose]()
  }
}

/** How long a cluster takes to be ready, beside the start of as many bare Node.js processes as it has. */
async function clusterReady(): Promise<void> {
  const provider = local({ packageDirectory: root })
  const topology = topologyFor(reference({ packageDirectory: root, version: suiteVersion() }))
  const arms: readonly Arm[] = [
    {
      name: 'cluster of 3 nodes ready (ms)',
      measure: async () => {
        const startedAt = performance.now()
        const cluster = await provider.create(topology, { runId: 'bench-self', signal })
        const tookMs = performance.now() - startedAt
        await cluster[Symbol.asyncDispose]()
        return tookMs
      },
    },
    { name: '5 bare Node.js processes (ms)', measure: bareProcesses },
  ]
  tell('Cluster ready', await inTurn(arms), 1)
}

async function bareProcesses(): Promise<number> {
  const startedAt = performance.now()
  const script = 'import("node:https").then(() => process.exit(0))'
  await Promise.all(
    Array.from(
      { length: 5 },
      () =>
        new Promise((resolve) =>
          spawn(process.execPath, ['-e', script], { stdio: 'ignore' }).once('exit', resolve),
        ),
    ),
  )
  return performance.now() - startedAt
}

/** The reference data plane's paths, beside the direct one and beside other programs in the same place. */
async function dataPlane(): Promise<void> {
  const held = new ResourceStack()
  try {
    const target = reference({ packageDirectory: root, version: suiteVersion() })
    const cluster = held.use(
      await local({ packageDirectory: root }).create(topologyFor(target), {
        runId: 'bench-self',
        signal,
      }),
    )
    const deployed = held.use(await target.deploy(cluster, { signal }))
    await deployed.ready({ signal })
    const scene = held.use(stage(cluster, deployed, { connectProbe, connectLoad }))
    const facts = await prepareBench(scene.context(held, { signal }))
    const rivals = held.use(await startRivals(cluster, facts, { signal }))
    tell(
      'HTTP requests per second (wrk, 16 connections, closed loop)',
      await inTurn(httpArms(cluster, facts, rivals, { signal })),
      0,
    )
    tell(
      'DNS queries per second (dnsperf, 8 clients, unlimited)',
      await inTurn(dnsArms(cluster, facts, rivals, { signal })),
      0,
    )
  } finally {
    await held[Symbol.asyncDispose]()
  }
}

/** Measures every arm once per round, in a new random order each time. */
async function inTurn(arms: readonly Arm[]): Promise<ReadonlyMap<string, readonly number[]>> {
  const found = new Map(arms.map(({ name }): [string, number[]] => [name, []]))
  for (let round = 0; round < rounds; round += 1)
    for (const { name, measure } of [...arms].sort(() => random() - 0.5))
      found.get(name)?.push(await measure())
  return found
}

/** Prints medians with their range, and every arm's ratio to the others', round by round. */
function tell(title: string, found: ReadonlyMap<string, readonly number[]>, digits: number): void {
  console.log(`\n${title}, ${rounds} rounds`)
  for (const [name, all] of found)
    console.log(
      `  ${name.padEnd(42)} ${median(all).toFixed(digits).padStart(9)}   (${Math.min(...all).toFixed(digits)} to ${Math.max(...all).toFixed(digits)})`,
    )
  const arms = [...found]
  arms.forEach(([name, own], index) => {
    for (const [other, theirs] of arms.slice(index + 1)) {
      const ratios = own.map((value, round) => value / (theirs[round] ?? NaN))
      console.log(
        `  ${name} / ${other}: ${median(ratios).toFixed(3)} (${Math.min(...ratios).toFixed(3)} to ${Math.max(...ratios).toFixed(3)})`,
      )
    }
  })
}
