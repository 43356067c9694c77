import type { AbortOptions } from '../../model/abort.ts'
import { TargetError } from '../../model/errors.ts'
import type { DeployedTarget, Uninstalled } from '../../model/target.ts'

/** A deployed target that can be taken off the cluster and put back; everybody who holds it goes on with the new one. */
export interface Installation extends DeployedTarget {
  /** Uninstalls it as its disposal does. @throws TargetError 'not-ready' when it is not installed */
  uninstall(options: AbortOptions): Promise<Uninstalled>
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
  const uninstall: Installation['uninstall'] = async () => {
    const leaving = installed()
    current = undefined
    await leaving[Symbol.asyncDispose]()
    return {
      reinstall: async (options) => {
        current ??= await deploy(options)
        await current.ready(options)
      },
    }
  }
  const dispose = async (): Promise<void> => {
    await current?.[Symbol.asyncDispose]()
  }
  // why: members that a target has not are absent, so that nobody can tell it from the target itself
  return new Proxy<Installation>(
    { ...first, uninstall },
    {
      get: (_, key): unknown => {
        if (key === 'uninstall') return uninstall
        if (key === Symbol.asyncDispose) return dispose
        return Reflect.get(installed(), key)
      },
      has: (_, key) => key === 'uninstall' || Reflect.has(installed(), key),
    },
  )
}
