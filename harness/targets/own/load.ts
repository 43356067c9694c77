import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createJiti } from 'jiti'
import { TargetError } from '../../model/errors.ts'
import type { Target } from '../../model/target.ts'

/** True for `./my-target.ts`, `/somewhere/my-target.js`: a file, not the name of a target that ships with us. */
export function isTargetFile(name: string): boolean {
  return /^\.{0,2}\//.test(name) || /\.[cm]?[jt]s$/.test(name)
}

/**
 * Loads a target that a user brings: a TypeScript or JavaScript module whose default export is a `Target`, or a
 * function that gives one. `import { daemonSetTarget } from 'meshmark'` in it means this very meshmark.
 * @throws TargetError 'deploy-failed' naming what is wrong with the file, and the rule
 */
export async function loadTarget(file: string, packageDirectory: string): Promise<Target> {
  const path = resolve(file)
  if (!existsSync(path))
    throw new TargetError('deploy-failed', `--target ${file}: there is no such file`)
  const jiti = createJiti(import.meta.url, {
    alias: { meshmark: join(packageDirectory, 'dist', 'harness', 'api.js') },
    // why: nothing is to stay behind of a run
    fsCache: false,
    interopDefault: false,
  })
  let exported: unknown
  try {
    exported = (await jiti.import<{ readonly default?: unknown }>(path)).default
    if (typeof exported === 'function') exported = await (exported as () => unknown)()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new TargetError('deploy-failed', `--target ${file} cannot be loaded: ${why}`, {
      cause,
    })
  }
  const problems = [...problemsOf(exported)]
  if (problems.length > 0)
    throw new TargetError(
      'deploy-failed',
      `--target ${file}: its default export is no target: ${problems.join('; ')}`,
      { hint: "export default daemonSetTarget({ ... }), or see the type Target of 'meshmark'" },
    )
  return exported as Target
}

function* problemsOf(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null) {
    yield `got ${value === undefined ? 'nothing' : typeof value}, want an object`
    return
  }
  const { id, identity, features, topology, deploy } = value as Readonly<Record<string, unknown>>
  if (typeof id !== 'string' || !/^[a-z0-9][a-z0-9-]*$/.test(id))
    yield `id: got ${JSON.stringify(id)}, want small letters, digits and dashes`
  if (typeof identity !== 'object' || identity === null) yield 'identity: want an object'
  else
    for (const field of ['organization', 'project', 'url', 'version'])
      if (typeof (identity as Readonly<Record<string, unknown>>)[field] !== 'string')
        yield `identity.${field}: want a text`
  if (!(features instanceof Set)) yield 'features: want a Set'
  if (typeof topology !== 'object' || topology === null) yield 'topology: want an object'
  if (typeof deploy !== 'function') yield 'deploy: want a function'
}
