import { setTimeout as delay } from 'node:timers/promises'
import { ResourceStack } from '../../model/resource-stack.ts'
import { runShell } from '../../targets/shared/shell.ts'
import type { BenchPlan } from './arm.ts'
import { tellGoals } from './goal.ts'
import { areThere, benchSceneOf, ourTarget } from './scene.ts'

/** How long nothing is asked. */
const idleMs = 60_000

/** Before that: what was used only at the start is compiled, collected and forgotten by then. */
const settleMs = 30_000

/** Every agent of a cluster that is left alone for a minute, half a minute after its start. Its probes (each 2 s) and the programs it runs count. */
export async function idle({ signal, ...plan }: BenchPlan): Promise<void> {
  if (!areThere('idle', ['nginx'])) return
  const held = new ResourceStack()
  try {
    const { cluster, deployed } = held.use(await benchSceneOf(ourTarget(), { ...plan, signal }))
    const look = (): Promise<readonly Usage[]> =>
      Promise.all(
        cluster.nodes.map(async ({ name: node }) => {
          const [pid = 0] = (await deployed.pids?.(node, { signal })) ?? []
          const at = { node, network: 'host' } as const
          return usageIn(
            await runShell(cluster, at, `cat /proc/${pid}/stat /proc/${pid}/status`, { signal }),
          )
        }),
      )
    await delay(settleMs, undefined, { signal })
    const before = await look()
    const startedAt = performance.now()
    await delay(idleMs, undefined, { signal })
    const after = await look()
    const tookMs = performance.now() - startedAt
    const share = (of: (usage: Usage) => number): readonly number[] =>
      after.map((usage, index) => {
        const spentMs = of(usage) - of(before[index] ?? usage)
        return (spentMs / tookMs) * 100
      })
    console.log(`\nIdle agents of ${after.length} nodes, ${(tookMs / 1000).toFixed(0)} s`)
    tellGoals([
      { what: 'RSS', values: after.map(({ rssMib }) => rssMib), unit: ' MiB', atMost: 60 },
      {
        what: 'of a core, the agent',
        values: share(({ ownMs }) => ownMs),
        unit: ' %',
        atMost: 0.2,
      },
      {
        what: 'of a core, with the programs that it ran',
        values: share(({ ownMs, childrenMs }) => ownMs + childrenMs),
        unit: ' %',
        atMost: 0.2,
      },
    ])
  } finally {
    await held[Symbol.asyncDispose]()
  }
}

interface Usage {
  readonly ownMs: number
  /** Of programs that it started and that have ended: nft, ip. */
  readonly childrenMs: number
  readonly rssMib: number
}

/** USER_HZ, which no Linux of Node.js' architectures has otherwise. */
const tickMs = 10

/** @throws Error when the text is not /proc/PID/stat and status (proc(5)) */
function usageIn(text: string): Usage {
  const rssKib = Number(/VmRSS:\s+(\d+) kB/.exec(text)?.[1])
  const fields = (text.split(') ')[1] ?? '').split(' ')
  const [user, system, childrenUser, childrenSystem] = fields.slice(11, 15).map(Number)
  const [ownMs, childrenMs] = [
    ((user ?? NaN) + (system ?? NaN)) * tickMs,
    ((childrenUser ?? NaN) + (childrenSystem ?? NaN)) * tickMs,
  ]
  if (![rssKib, ownMs, childrenMs].every(Number.isFinite))
    throw new Error(`the usage of the agent cannot be read from: ${text}`)
  return { ownMs, childrenMs, rssMib: rssKib / 1024 }
}
