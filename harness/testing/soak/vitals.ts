import { restartsOfOthers } from '../../../scenarios/conformance/support/restarts.ts'
import { eventually } from '../../../scenarios/eventually.ts'
import { judgeMemory, type MemoryLook } from './memory.ts'
import type { Finding } from './outcome.ts'
import type { SoakScene } from './scene.ts'

/** What the agent's process used at one moment. */
interface Vitals extends MemoryLook {
  readonly openFiles: number
  /** Connections that the kernel tracks on the node. */
  readonly tracked: number
}

/** Open files that may be more than before: sockets that are kept ready, connections kept to backends. */
const filesLeft = 16

/** Idle connections end within this time, so that files are given back. */
const settledMs = 90_000

/** Watches the agent of the scene's node while something is sent. */
export interface Watch {
  readonly look: (sent: number) => Promise<void>
  /** Looks once more and judges. @param warmAfter - see `judgeMemory` */
  readonly judge: (warmAfter: number) => Promise<readonly Finding[]>
}

export async function watchAgent(scene: SoakScene): Promise<Watch> {
  const pids = await pidsOf(scene)
  const [pid] = pids
  if (pid === undefined || pids.length > 1)
    throw new Error(`agents on ${scene.node}: got ${pids.join(', ')}, want one`)
  const restarts = await restartsOfOthers(scene)
  const before = await vitalsOf(scene, pid, 0)
  const seen: Vitals[] = []
  return {
    look: async (sent) => {
      // why: a process that is gone is found out by its id; looks that are missing leave too few to judge
      const now = await vitalsOf(scene, pid, sent).catch(() => undefined)
      if (now !== undefined) seen.push(now)
    },
    judge: async (warmAfter) => {
      const now = await pidsOf(scene)
      const after = await restartsOfOthers(scene)
      const restarted = Object.keys(restarts).filter((pod) => after[pod] !== restarts[pod])
      const same = now.join() === pids.join() && restarted.length === 0
      const process = `pid ${pids.join()} before, ${now.join() || 'none'} after, restarts: ${restarted.join(', ') || 'none'}`
      const alive = { name: 'process', seen: process, ok: same }
      if (!same) return [alive]
      const { seen: left, accepted } = await eventually(
        () => vitalsOf(scene, pid, 0),
        ({ openFiles }) => openFiles <= before.openFiles + filesLeft,
        { withinMs: settledMs, everyMs: 1_000, signal: scene.signal },
      )
      const peak = Math.max(...seen.map(({ openFiles }) => openFiles))
      return [
        alive,
        ...judgeMemory([before, ...seen], warmAfter),
        {
          name: 'open files',
          seen: `${before.openFiles} before, at most ${peak}, ${left.openFiles} afterwards`,
          ok: accepted,
        },
        await tracking(scene, seen, before, left),
      ]
    },
  }
}

async function tracking(
  scene: SoakScene,
  seen: readonly Vitals[],
  before: Vitals,
  left: Vitals,
): Promise<Finding> {
  const most = Number(await shell(scene, 'cat /proc/sys/net/netfilter/nf_conntrack_max'))
  const peak = Math.max(...seen.map(({ tracked }) => tracked))
  return {
    name: 'tracked connections',
    seen: `${before.tracked} before, at most ${peak} of ${most}, ${left.tracked} afterwards`,
    ok: peak < most,
  }
}

/** Processes of the agent on the scene's node. */
export async function pidsOf({ target, node, signal }: SoakScene): Promise<readonly number[]> {
  return (await target.pids?.(node, { signal })) ?? []
}

/** @throws Error when the process is gone */
async function vitalsOf(scene: SoakScene, pid: number, sent: number): Promise<Vitals> {
  const script = `set -e; sed -n 's/^VmRSS:[^0-9]*\\([0-9]*\\) kB/\\1/p' /proc/${pid}/status; ls /proc/${pid}/fd | wc -l; cat /proc/sys/net/netfilter/nf_conntrack_count`
  const [rssKib = NaN, openFiles = NaN, tracked = NaN] = (await shell(scene, script))
    .split('\n')
    .map(Number)
  return { sent, rssBytes: rssKib * 1024, openFiles, tracked }
}

/** Runs a script on the scene's node. @throws Error unless it exits with 0 */
export async function shell(scene: SoakScene, script: string): Promise<string> {
  const probe = await scene.probe(scene.onHost)
  const seen = await probe.run(
    { kind: 'command', argv: ['sh', '-c', script], timeoutMs: 20_000 },
    scene,
  )
  if (seen.kind !== 'exited' || seen.code !== 0)
    throw new Error(`${script}: ${seen.kind === 'exited' ? seen.stderr : seen.kind}`)
  return seen.stdout.trim()
}
