import { ClusterError, type CheckContext, TargetError } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'

/** How long its program may take to be there again: the kubelet's back-off after a first end included. */
const againMs = 60_000

/**
 * Ends the target's program on a node, in an orderly way, and waits until a new one runs; what it does by then is for the
 * check to find out. @throws ClusterError when no new one comes
 */
export async function restartTarget(
  { target, signal }: Pick<CheckContext, 'target' | 'signal'>,
  node: string,
): Promise<void> {
  const cpuUs = async (): Promise<number> => {
    try {
      return (await target.usage(node, { signal })).cpuUs
    } catch (error) {
      // why: it ends while it is looked at
      if (error instanceof TargetError) return Infinity
      throw error
    }
  }
  const before = (await target.usage(node, { signal })).cpuUs
  // why: no program, no new one
  if (before === 0) return
  await target.restart(node, 'term', { signal })
  // why: only a program that is new has used less time than the one before
  const { accepted } = await eventually(cpuUs, (now) => now < before, {
    withinMs: againMs,
    signal,
  })
  if (!accepted)
    throw new ClusterError('not-ready', `the target on ${node} does not run again after SIGTERM`)
}
