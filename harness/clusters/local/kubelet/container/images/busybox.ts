import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram } from '../../find-program.ts'
import type { Mount } from '../root-fs.ts'

let applets: readonly string[] | undefined

/** The applets of busybox under their own names, in a folder that the image's PATH begins with. */
export function busyboxFiles(folder: string): readonly Mount[] {
  const program = findProgram('busybox') ?? 'busybox'
  applets ??= execFileSync(program, ['--list'], { encoding: 'utf8' }).trim().split('\n')
  const bin = join(folder, 'busybox')
  mkdirSync(bin)
  for (const name of applets) symlinkSync(program, join(bin, name))
  return [{ source: bin, target: '/usr/lib/busybox', readOnly: true }]
}
