import { setMaxListeners } from 'node:events'
import { stderr } from './output.ts'

/** How a run ends early. The first Ctrl-C aborts in good order, the second leaves at once with nothing behind. */
export interface Interruption extends Disposable {
  readonly signal: AbortSignal
  readonly lastResort: (undo: () => void) => void
}

/** Exit code of an interrupted run (128 + SIGINT). */
export const interruptedExitCode = 130

export function interruption(): Interruption {
  const controller = new AbortController()
  // why: everything that waits listens to this one signal
  setMaxListeners(0, controller.signal)
  const undos: (() => void)[] = []
  const onSignal = (): void => {
    if (!controller.signal.aborted) {
      stderr('interrupted: cleaning up (once more to leave at once)')
      controller.abort(new Error('interrupted'))
      return
    }
    for (const undo of undos.reverse()) undo()
    process.exit(interruptedExitCode)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const name of signals) process.on(name, onSignal)
  return {
    signal: controller.signal,
    lastResort: (undo) => undos.push(undo),
    [Symbol.dispose]: () => {
      for (const name of signals) process.off(name, onSignal)
    },
  }
}
