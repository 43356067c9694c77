import { type ContainerContext, recordOf } from '../pod/context.ts'
import type { Ending } from '../pod/ending.ts'
import type { Container } from './container.ts'
import { type HandlerTarget, runHandler } from './handlers.ts'

/** A preStop hook that used the grace period up leaves the container this long to react to SIGTERM. */
const leastMs = 2_000

/**
 * Ends a running container: preStop, SIGTERM, and SIGKILL when `ending` is overdue. Resolves when it has ended.
 * With no grace at all it is killed at once, without preStop.
 */
export async function stopContainer(
  context: ContainerContext,
  container: Container,
  target: HandlerTarget,
  ending: Ending,
): Promise<void> {
  const kill = (): void => {
    container.signal('SIGKILL')
  }
  if (ending.overdue.aborted) kill()
  else {
    const { preStop } = context.state.spec.lifecycle ?? {}
    if (preStop !== undefined) await runPreStop(context, target, ending)
    container.signal('SIGTERM')
    if (ending.overdue.aborted) setTimeout(kill, preStop === undefined ? 0 : leastMs).unref()
    else ending.overdue.addEventListener('abort', kill, { once: true })
  }
  await container.exited
  ending.overdue.removeEventListener('abort', kill)
}

async function runPreStop(
  context: ContainerContext,
  target: HandlerTarget,
  ending: Ending,
): Promise<void> {
  const { preStop } = context.state.spec.lifecycle ?? {}
  if (preStop === undefined) return
  const result = await Promise.race([
    runHandler(preStop, target, ending.leftMs()),
    target.container.exited.then(() => ({ ok: true, message: '' })),
    overdue(ending),
  ])
  if (!result.ok)
    recordOf(context, 'Warning', 'FailedPreStopHook', `PreStopHook failed: ${result.message}`)
}

/** A deadline that was brought forward ends the hook as well. */
function overdue(ending: Ending): Promise<{ ok: boolean; message: string }> {
  return new Promise((resolve) => {
    const done = (): void => {
      resolve({ ok: false, message: 'the grace period is over' })
    }
    if (ending.overdue.aborted) done()
    else ending.overdue.addEventListener('abort', done, { once: true })
  })
}
