import { spawn } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { topologyFor } from '../../cli/session.ts'
import { kindConfig } from '../../clusters/kind/config.ts'
import { local } from '../../clusters/local/provider.ts'
import { defaultTopology } from '../../clusters/local/topology.ts'
import { broughtBy } from '../../engine/brought.ts'
import { median } from '../../measure/quantile.ts'
import type { Cluster } from '../../model/cluster.ts'
import { ResourceStack } from '../../model/resource-stack.ts'
import type { Target } from '../../model/target.ts'
import type { Topology } from '../../model/topology.ts'
import { connectProbe } from '../../probes/client.ts'
import { cannotRunKind, kindForTests, kindNodeImage } from '../needs-kind.ts'
import { root } from '../sources.ts'
import { type Arm, type BenchPlan, inTurn, ratios, spread, tell } from './arm.ts'
import { ourTarget } from './scene.ts'

/** Round trips that a median is taken of. */
const roundTrips = 300

const names = { ours: 'kind: cluster and target', alone: 'kind create cluster alone' } as const

/** Our whole way to a cluster with a target in it, beside `kind create cluster` and nothing else. */
export async function kindReady(plan: BenchPlan): Promise<void> {
  const reason = await cannotRunKind()
  if (reason !== false) {
    console.log(`\nkind: left out, ${reason}`)
    return
  }
  const target = ourTarget()
  const found = await inTurn(kindArms(target, topologyFor(target), plan.signal), plan)
  tell(`kind ready, ${plan.rounds} rounds`, found, [{ number: 'ms', title: 'ms', digits: 0 }])
  console.log(`  ratio: ${spread(ratios(found, 'ms', [names.ours, names.alone]), 2)}x`)
}

function kindArms(target: Target, topology: Topology, signal: AbortSignal): readonly Arm[] {
  return [
    {
      name: names.ours,
      measure: async () => {
        const startedAt = performance.now()
        const cluster = await kindForTests({ kubeProxyMode: 'none' }).create(topology, {
          runId: `bench-self-${Date.now()}`,
          signal,
          ...(await broughtBy(target)),
        })
        const deployed = await target.deploy(cluster, { signal })
        await deployed.ready({ signal })
        const ms = performance.now() - startedAt
        await deployed[Symbol.asyncDispose]()
        await cluster[Symbol.asyncDispose]()
        return { ms }
      },
    },
    { name: names.alone, measure: async () => ({ ms: await kindAloneMs(topology) }) },
  ]
}

async function kindAloneMs(topology: Topology): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-kind-'))
  const name = `meshmark-alone-${process.pid}`
  const init = kindNodeImage === undefined ? {} : { nodeImage: kindNodeImage }
  writeFileSync(
    join(folder, 'kind.yaml'),
    kindConfig(topology, { ...init, name, kubeProxyMode: 'none' }),
  )
  const own = ['--name', name, '--kubeconfig', join(folder, 'kubeconfig')]
  try {
    const startedAt = performance.now()
    await kind(['create', 'cluster', ...own, '--config', join(folder, 'kind.yaml'), '--wait', '2m'])
    return performance.now() - startedAt
  } finally {
    await kind(['delete', 'cluster', ...own])
    await rm(folder, { recursive: true, force: true })
  }
}

function kind(argv: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('kind', argv, { stdio: 'ignore' })
    child.once('error', reject)
    child.once('exit', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`kind ${argv[0] ?? ''} ended with ${String(code)}`))
    })
  })
}

/** What a check costs at least, per provider. */
export async function probeRoundTrips(plan: BenchPlan): Promise<void> {
  const { signal, rounds } = plan
  const topology = defaultTopology()
  const held = new ResourceStack()
  try {
    const providers = [local({ packageDirectory: root })]
    if ((await cannotRunKind()) === false) providers.push(kindForTests())
    const arms: Arm[] = []
    for (const provider of providers) {
      const cluster = held.use(await provider.create(topology, { runId: 'bench-probe', signal }))
      arms.push({
        name: `provider ${provider.id}`,
        measure: async () => ({ ms: await probeRoundTripMs(cluster, signal) }),
      })
    }
    tell(
      `A check's round trip, median of ${roundTrips}, ${rounds} rounds`,
      await inTurn(arms, plan),
      [{ number: 'ms', title: 'ms', digits: 2 }],
    )
  } finally {
    await held[Symbol.asyncDispose]()
  }
}

/** Median of a check's round trip: a job that costs nothing (a refused connect on loopback) and its observation. */
async function probeRoundTripMs(cluster: Cluster, signal: AbortSignal): Promise<number> {
  const node = cluster.nodes.find(({ role }) => role === 'edge')?.name ?? ''
  const at = { node, network: 'container' } as const
  await using probe = connectProbe(await cluster.spawn(at, 'probe', { signal }))
  const times: number[] = []
  for (let sent = 0; sent < roundTrips; sent += 1) {
    const startedAt = performance.now()
    await probe.run({ kind: 'tcp', host: '127.0.0.1', port: 1, timeoutMs: 1_000 }, { signal })
    times.push(performance.now() - startedAt)
  }
  return median(times)
}
