import type { AbortOptions } from '../../../model/abort.ts'
import { ClusterError } from '../../../model/errors.ts'
import { abortReason, ask, type Control } from './channel.ts'
import type { NetworkFault } from './config.ts'
import { frameDecoder } from './frames.ts'

/**
 * Has something broken for as long as the connection lasts. Disposing heals it and resolves when it is healed.
 * @throws ClusterError 'fault-failed' with the reason
 */
export async function holdFault(
  path: string,
  fault: NetworkFault,
  { signal }: AbortOptions,
): Promise<AsyncDisposable> {
  signal.throwIfAborted()
  const socket = ask(path, { kind: 'fault', fault })
  let failure: ClusterError | undefined
  const closed = new Promise<void>((resolve, reject) => {
    socket.on('close', () => {
      if (failure === undefined) resolve()
      else reject(failure)
    })
  })
  closed.catch(() => undefined)
  const heal = async (): Promise<void> => {
    socket.end()
    await closed
  }
  const applied = new Promise<void>((resolve, reject) => {
    const fail = (why: string): void => {
      failure = new ClusterError('fault-failed', why)
      reject(failure)
    }
    socket.on(
      'data',
      frameDecoder(({ payload }) => {
        const control = JSON.parse(payload.toString()) as Control
        if (control.error !== undefined) fail(control.error)
        else if (control.applied === true) resolve()
      }),
    )
    socket.on('error', (error) => {
      fail(`the sandbox cannot be reached: ${error.message}`)
    })
    socket.on('close', () => {
      reject(new ClusterError('fault-failed', 'the sandbox closed the connection'))
    })
  })
  try {
    await applied
  } catch (error) {
    socket.destroy()
    throw error
  }
  if (signal.aborted) {
    await heal()
    throw abortReason(signal)
  }
  return { [Symbol.asyncDispose]: heal }
}
