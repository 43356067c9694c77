import type { CheckContext } from '../../../harness/api.ts'
import { onHost } from './positions.ts'

const usualMs = 20_000

/**
 * Runs a shell script on a node itself and gives its stdout; wants the capability `node-access`.
 * @param index - of the node; 0 is the first edge node
 * @throws Error when it does not exit with 0: trouble of the harness
 */
export async function onNode(
  context: CheckContext,
  index: number,
  script: string,
  { signal = context.signal }: { readonly signal?: AbortSignal } = {},
): Promise<string> {
  const probe = await context.probe(onHost(context, index))
  const seen = await probe.run(
    { kind: 'command', argv: ['sh', '-c', script], timeoutMs: usualMs },
    { signal },
  )
  if (seen.kind !== 'exited') throw new Error(`${script}: ${seen.kind}`)
  if (seen.code !== 0)
    throw new Error(`${script}: exit code ${String(seen.code)}: ${seen.stderr.trim()}`)
  return seen.stdout
}

/** Undoing on a node must work when the check was given up. */
const undoMs = 20_000

/** Does something on a node and keeps the script that takes it back until the check ends, or until it is called. */
export async function changedNode(
  context: CheckContext,
  index: number,
  { todo, undo }: { readonly todo: string; readonly undo: string },
): Promise<() => Promise<void>> {
  let isUndone = false
  const takeBack = async (): Promise<void> => {
    if (isUndone) return
    isUndone = true
    await onNode(context, index, undo, { signal: AbortSignal.timeout(undoMs) })
  }
  context.keep({ [Symbol.asyncDispose]: takeBack })
  try {
    await onNode(context, index, todo)
  } catch (error) {
    // why: what was not done cannot be undone, and that must not hide why
    await takeBack().catch(() => undefined)
    throw error
  }
  return takeBack
}
