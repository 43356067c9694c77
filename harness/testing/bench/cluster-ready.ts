import { spawn } from 'node:child_process'
import { topologyFor } from '../../cli/session.ts'
import { local } from '../../clusters/local/provider.ts'
import { root } from '../sources.ts'
import { type Arm, type BenchPlan, inTurn, ratios, spread, tell } from './arm.ts'
import { ourTarget } from './scene.ts'

const names = { cluster: 'cluster of 3 nodes', processes: '5 bare Node.js processes' } as const

/** How long a cluster takes to be ready, beside the start of as many bare Node.js processes as it has. */
export async function clusterReady(plan: BenchPlan): Promise<void> {
  const { signal, rounds } = plan
  const provider = local({ packageDirectory: root })
  const topology = topologyFor(ourTarget())
  const arms: readonly Arm[] = [
    {
      name: names.cluster,
      measure: async () => {
        const startedAt = performance.now()
        const cluster = await provider.create(topology, { runId: 'bench-self', signal })
        const ms = performance.now() - startedAt
        await cluster[Symbol.asyncDispose]()
        return { ms }
      },
    },
    { name: names.processes, measure: bareProcesses },
  ]
  const found = await inTurn(arms, plan)
  tell(`Cluster ready, ${rounds} rounds`, found, [{ number: 'ms', title: 'ms', digits: 0 }])
  console.log(`  ratio: ${spread(ratios(found, 'ms', [names.cluster, names.processes]), 2)}x`)
}

async function bareProcesses(): Promise<{ readonly ms: number }> {
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
  return { ms: performance.now() - startedAt }
}
