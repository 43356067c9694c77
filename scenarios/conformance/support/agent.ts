import { setTimeout as delay } from 'node:timers/promises'
import type { Assessment, Check, CheckContext } from '../../../harness/api.ts'
import { type Judgement, skipped } from './judgement.ts'

/** Processes of the target by node, `12,34`. */
export type Processes = Readonly<Record<string, string>>

/** A run that needs to know the target's processes; skipped for a target that does not tell them. */
export function withAgent(run: (context: CheckContext) => Promise<Assessment>): Check['run'] {
  return (context) =>
    context.target.pids === undefined
      ? Promise.resolve(skipped('the target does not tell which processes are its agents'))
      : run(context)
}

/** Ids of the target's processes on a node. */
export async function pidsAt(context: CheckContext, node: string): Promise<readonly number[]> {
  return (await context.target.pids?.(node, context)) ?? []
}

export async function processesOf(context: CheckContext): Promise<Processes> {
  const found = context.nodes.map(
    async ({ name }) => [name, (await pidsAt(context, name)).join()] as const,
  )
  return Object.fromEntries(await Promise.all(found))
}

/** Records that the processes are those that were there before: none ended, none was started. */
export async function judgeSameProcesses(
  context: CheckContext,
  judgement: Judgement,
  before: Processes,
  name = 'processes of the target',
): Promise<void> {
  if (Object.values(before).every((pids) => pids === ''))
    throw new Error('there was no process of the target before')
  judgement.equal(name, before, await processesOf(context))
}

/** Pause between two looks for a process to be killed. */
const killEveryMs = 100

/** Kills each process of the target on a node as soon as it starts, until the work is done. */
export async function keptDown<T>(
  context: CheckContext,
  node: string,
  work: () => Promise<T>,
): Promise<T> {
  const done = new AbortController()
  const killing = (async () => {
    while (!done.signal.aborted) {
      if ((await pidsAt(context, node)).length > 0)
        // why: it may have ended since the look
        await context.target.restart(node, 'kill', context).catch(() => undefined)
      await delay(killEveryMs, undefined, { signal: done.signal }).catch(() => undefined)
    }
  })()
  try {
    return await work()
  } finally {
    done.abort()
    await killing
  }
}
