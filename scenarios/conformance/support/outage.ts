import type { ApiFault, CheckContext, Fault } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'

/** Something that is broken until it is ended, or until the check is over. */
export interface Outage {
  /** Resolves when it is healed. */
  end(): Promise<void>
}

/** Breaks something; healed once, when it is ended or the check is over. */
export async function broken(context: CheckContext, fault: Fault): Promise<Outage> {
  const held = await context.cluster.fault(fault, context)
  let healing: Promise<void> | undefined
  const heal = (): Promise<void> => (healing ??= Promise.resolve(held[Symbol.asyncDispose]()))
  context.keep({ [Symbol.asyncDispose]: heal })
  return { end: heal }
}

/** Packets between a node and the control plane are dropped: nobody says that the API is away. */
export function apiUnreachable(context: CheckContext, index = 0): Promise<Outage> {
  const node = context.nodes[index]?.name ?? ''
  return broken(context, { kind: 'cut-node', node, from: 'control-plane' })
}

/** The API is away, and says so where the cluster can do that (refused); else nobody says so. */
export function apiAway(context: CheckContext): Promise<Outage> {
  return context.cluster.capabilities.has('api-fault')
    ? apiFault(context, { kind: 'refuse' })
    : apiUnreachable(context)
}

/** The API misbehaves towards everybody but the harness. */
export function apiFault(context: CheckContext, behaviour: ApiFault): Promise<Outage> {
  return broken(context, { kind: 'api', behaviour })
}

/** From the signal to a new process: draining included. */
const replacedMs = 60_000

/**
 * Ends the target's processes on a node and resolves when others run in their place.
 * @throws Error when none does in a minute: its kubelet did not start one
 */
export async function restarted(
  context: CheckContext,
  index: number,
  how: 'term' | 'kill',
): Promise<void> {
  const node = context.nodes[index]?.name ?? ''
  const { target } = context
  const usedUs = async (): Promise<number | undefined> => {
    try {
      return (await target.usage(node, context)).cpuUs
    } catch (error) {
      context.signal.throwIfAborted()
      // why: that none runs is what it says between the end of one process and the start of the next
      if (error instanceof Error && error.message.startsWith('none of ')) return undefined
      throw error
    }
  }
  let before = (await usedUs()) ?? 0
  await target.restart(node, how, context)
  let wasGone = false
  const { accepted } = await eventually(
    async () => {
      const now = await usedUs()
      // why: the time that processes have used never shrinks, unless they are others
      if (now === undefined || now < before) wasGone = true
      if (now !== undefined) before = Math.max(now, wasGone ? 0 : before)
      return wasGone && now !== undefined
    },
    (is) => is,
    { withinMs: replacedMs, everyMs: 20, signal: context.signal },
  )
  if (!accepted) throw new Error(`no new process of the target runs on ${node} after a minute`)
}
