import { join } from 'node:path'
import type { AbortOptions } from '../../../model/abort.ts'
import type { ProgramChannel } from '../../../model/cluster.ts'
import { ClusterError } from '../../../model/errors.ts'
import type { ShapeCapability } from '../network/shape.ts'
import { namespacesForbidden, privileges, type Privilege } from '../privilege.ts'
import { abortReason, openChannel } from './channel.ts'
import type { ExecRequest, NetworkFault, SandboxConfig } from './config.ts'
import { holdFault } from './hold-fault.ts'
import { launchSandbox, type SandboxProcess } from './process.ts'

/** The sandbox as its harness sees it. Disposing ends it and waits until it is gone. */
export interface Sandbox extends AsyncDisposable {
  readonly privilege: Privilege
  readonly capabilities: readonly ShapeCapability[]
  exec(request: ExecRequest, options: AbortOptions): Promise<ProgramChannel>
  fault(fault: NetworkFault, options: AbortOptions): Promise<AsyncDisposable>
  /** Resolves with the reason when it, or a component in it, ends by itself. */
  readonly broken: Promise<ClusterError>
}

export interface StartOptions extends AbortOptions {
  readonly progress: (line: string) => void
  /** Told how to kill the sandbox at once, and whose it is, as soon as there is one. */
  readonly onLaunch: (kill: () => void, privilege: Privilege) => void
}

/**
 * Starts a sandbox with the least privilege that works here and resolves when every component in it is ready.
 * @throws ClusterError with what the failing component said, or which switch forbids namespaces
 */
export async function startSandbox(config: SandboxConfig, options: StartOptions): Promise<Sandbox> {
  const { launched, privilege } = await launch(config, options)
  try {
    const { capabilities } = await orAborted(launched.ready, options.signal)
    const socket = join(config.runDirectory, 'control.sock')
    return {
      privilege,
      capabilities,
      exec: (request, each) => openChannel(socket, request, each),
      fault: (fault, each) => holdFault(socket, fault, each),
      broken: launched.broken,
      [Symbol.asyncDispose]: () => launched.end(),
    }
  } catch (error) {
    await launched.end()
    throw error
  }
}

async function launch(
  config: SandboxConfig,
  { signal, progress, onLaunch }: StartOptions,
): Promise<{ readonly launched: SandboxProcess; readonly privilege: Privilege }> {
  const said: string[] = []
  for (const privilege of privileges()) {
    signal.throwIfAborted()
    const launched = launchSandbox(config, privilege, progress)
    onLaunch(() => {
      launched.kill()
    }, privilege)
    try {
      await orAborted(launched.alive, signal)
      return { launched, privilege }
    } catch (error) {
      await launched.end()
      signal.throwIfAborted()
      if (!isForbidden(error, privilege)) throw error
      said.push(error.message)
    }
  }
  throw await namespacesForbidden(said.join('; '))
}

/** Whether a failure is that of unshare or sudo, so that another privilege may work. */
function isForbidden(error: unknown, privilege: Privilege): error is ClusterError {
  if (!(error instanceof ClusterError)) return false
  if (error.code === 'tool-missing') return privilege === 'sudo'
  return /^(unshare|sudo): /m.test(error.message)
}

/** Waits for something, but not longer than the signal allows. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(abortReason(signal))
    }
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort)
    work.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', abort)
    })
  })
}
