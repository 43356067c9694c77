import { spawn } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kindConfig } from '../clusters/kind/config.ts'
import { broughtBy } from '../engine/brought.ts'
import { median } from '../measure/quantile.ts'
import type { Cluster } from '../model/cluster.ts'
import type { Target } from '../model/target.ts'
import type { Topology } from '../model/topology.ts'
import { connectProbe } from '../probes/client.ts'
import type { Arm } from './bench-self.ts'
import { kindForTests, kindNodeImage } from './needs-kind.ts'

/** Round trips that a median is taken of. */
const roundTrips = 300

/** Our whole way to a cluster with a target in it, beside `kind create cluster` and nothing else. */
export function kindArms(target: Target, topology: Topology, signal: AbortSignal): readonly Arm[] {
  return [
    {
      name: 'kind: cluster and target ready (ms)',
      measure: async () => {
        const startedAt = performance.now()
        const cluster = await kindForTests({ kubeProxyMode: 'none' }).create(topology, {
          runId: `bench-self-${Date.now()}`,
          signal,
          ...(await broughtBy(target)),
        })
        const deployed = await target.deploy(cluster, { signal })
        await deployed.ready({ signal })
        const tookMs = performance.now() - startedAt
        await deployed[Symbol.asyncDispose]()
        await cluster[Symbol.asyncDispose]()
        return tookMs
      },
    },
    { name: 'kind create cluster alone (ms)', measure: () => kindAlone(topology) },
  ]
}

async function kindAlone(topology: Topology): Promise<number> {
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

/** Median of a check's round trip: a job that costs nothing (a refused connect on loopback) and its observation. */
export async function probeRoundTripMs(cluster: Cluster, signal: AbortSignal): Promise<number> {
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
