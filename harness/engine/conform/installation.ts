import type { AbortOptions } from '../../model/abort.ts'
import { TargetError } from '../../model/errors.ts'
import type { DeployedTarget, Uninstalled } from '../../model/target.ts'

/** A deployed target that can be taken off the cluster and put back; everybody who holds it goes on with the new one. */
export interface Installation extends DeployedTarget {
  /** Uninstalls it as its disposal does. @throws TargetError 'not-ready' when it is not installed */
  uninstall(options: AbortOptions): Promise<Uninstalled>
  /** Deploys it where it is not installed, also where an uninstallation failed; resolves when it serves. */
  restore(options: AbortOptions): Promise<void>
}

/** @param deploy - puts the target into the same cluster once more */
export function installation(
  first: DeployedTarget,
  deploy: (options: AbortOptions) => Promise<DeployedTarget>,
): Installation {
  let current: DeployedTarget | undefined = first
  const installed = (): DeployedTarget => {
    if (current === undefined) throw new TargetError('not-ready', 'the target is not installed now')
    return current
  }
  let coming: Promise<DeployedTarget> | undefined
  const restore: Installation['restore'] = async (options) => {
    if (current === undefined) {
      // why: two that want it back at the same time get one
      coming ??= deploy(options).finally(() => {
        coming = undefined
      })
      current = await coming
    }
    await current.ready(options)
  }
  const uninstall: Installation['uninstall'] = async () => {
    const leaving = installed()
    current = undefined
    await leaving[Symbol.asyncDispose]()
    return { reinstall: restore }
  }
  const dispose = async (): Promise<void> => {
    await current?.[Symbol.asyncDispose]()
  }
  // why: members that a target has not are absent, so that nobody can tell it from the target itself
  return new Proxy<Installation>(
    { ...first, uninstall, restore },
    {
      get: (_, key): unknown => {
        if (key === 'uninstall') return uninstall
        if (key === 'restore') return restore
        if (key === Symbol.asyncDispose) return dispose
        return Reflect.get(installed(), key)
      },
      has: (_, key) => key === 'uninstall' || key === 'restore' || Reflect.has(installed(), key),
    },
  )
}
