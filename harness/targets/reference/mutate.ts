import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TargetError } from '../../model/errors.ts'
import type { Mutant } from '../../model/mutant.ts'
import type { Target } from '../../model/target.ts'
import { agentProgram } from './program.ts'
import { reference, type ReferenceInit } from './target.ts'

/**
 * The reference data plane with one fault: a copy of its compiled program in which the mutant's text is replaced. The
 * shipped program knows nothing of faults. For provider local, whose containers are programs of this machine.
 * @param directory - where the copy goes; it must be seen from inside the nodes (not below /tmp)
 * @throws TargetError when the text to replace is not there exactly once
 */
export async function mutated(
  init: ReferenceInit,
  mutant: Mutant,
  directory: string,
): Promise<Target> {
  const program = join(directory, 'dist', 'reference-impl')
  await mkdir(join(directory, 'dist'), { recursive: true })
  await cp(join(init.packageDirectory, 'dist', 'reference-impl'), program, {
    recursive: true,
    filter: (path) => !/\.(map|d\.ts)$|\.test\.js$/.test(path),
  })
  await cp(join(init.packageDirectory, 'package.json'), join(directory, 'package.json'))
  await symlink(join(init.packageDirectory, 'node_modules'), join(directory, 'node_modules'))
  for (const change of mutant.changes) {
    const file = join(program, change.file)
    await writeFile(file, replaced(await readFile(file, 'utf8'), change, mutant.id))
  }
  const target = reference(init)
  return {
    ...target,
    identity: { ...target.identity, mode: `mutant ${mutant.id}: ${mutant.title}` },
    programs: () => Promise.resolve({ 'meshmark/reference': agentProgram(directory) }),
  }
}

/** @throws TargetError when the text is not there exactly once */
export function replaced(
  text: string,
  { file, find, replace }: Mutant['changes'][number],
  id: string,
): string {
  const parts = text.split(find)
  if (parts.length !== 2)
    throw new TargetError(
      'unsupported',
      `mutant ${id}: ${file} has the text to replace ${parts.length - 1} times, want once: ${find}`,
    )
  return parts.join(replace)
}
