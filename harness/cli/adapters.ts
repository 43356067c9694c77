import { local } from '../clusters/local/provider.ts'
import { UsageError } from '../model/errors.ts'
import type { ClusterProvider } from '../model/cluster.ts'
import type { Target } from '../model/target.ts'
import { direct } from '../targets/direct/target.ts'
import { reference } from '../targets/reference/target.ts'
import { wrongWord } from './nearest.ts'
import { packageDirectory, suiteVersion } from './package.ts'

/** Every provider by name. */
const providers: Readonly<Record<string, () => ClusterProvider>> = {
  local: () => local({ packageDirectory }),
}

/** Every target by name. */
const targets: Readonly<Record<string, () => Target>> = {
  reference: () => reference({ packageDirectory, version: suiteVersion() }),
  direct: () => direct(),
}

/** @throws UsageError when there is no provider of this name */
export function providerNamed(name: string): ClusterProvider {
  return pick('--provider', name, providers)
}

/** @throws UsageError when there is no target of this name */
export function targetNamed(name: string): Target {
  return pick('--target', name, targets)
}

function pick<T>(flag: string, name: string, table: Readonly<Record<string, () => T>>): T {
  const make = Object.hasOwn(table, name) ? table[name] : undefined
  if (make === undefined) throw new UsageError(`${flag}: ${wrongWord(name, Object.keys(table))}`)
  return make()
}
