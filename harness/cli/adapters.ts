import { local } from '../clusters/local/provider.ts'
import { UsageError } from '../model/errors.ts'
import type { ClusterProvider } from '../model/cluster.ts'
import type { Target } from '../model/target.ts'
import { direct } from '../targets/direct/target.ts'
import { reference } from '../targets/reference/target.ts'
import { wrongWord } from './nearest.ts'
import type { RunFlags } from './options.ts'
import { packageDirectory, suiteVersion } from './package.ts'

/** Flags that say how a provider is to make its cluster. */
export type ProviderFlags = Pick<RunFlags, 'controlPlane'>

/** Every provider by name. */
const providers: Readonly<Record<string, (flags: ProviderFlags) => ClusterProvider>> = {
  local: ({ controlPlane = 'embedded' }) => local({ packageDirectory, controlPlane }),
}

/** Every target by name. */
const targets: Readonly<Record<string, () => Target>> = {
  reference: () => reference({ packageDirectory, version: suiteVersion() }),
  direct: () => direct(),
}

/** @throws UsageError when there is no provider of this name */
export function providerNamed(name: string, flags: ProviderFlags): ClusterProvider {
  return pick('--provider', name, providers)(flags)
}

/** @throws UsageError when there is no target of this name */
export function targetNamed(name: string): Target {
  return pick('--target', name, targets)()
}

function pick<T>(flag: string, name: string, table: Readonly<Record<string, T>>): T {
  const make = Object.hasOwn(table, name) ? table[name] : undefined
  if (make === undefined) throw new UsageError(`${flag}: ${wrongWord(name, Object.keys(table))}`)
  return make
}
