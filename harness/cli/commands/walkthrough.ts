import { Command } from 'commander'
import { type RunFlags, withRunFlags } from '../options.ts'
import type { Conclude } from '../program.ts'
import { session } from '../session.ts'

/** `meshmark walkthrough`: the EdgeMesh tutorial, each step asserted. */
export function walkthroughCommand(conclude: Conclude): Command {
  const command = new Command('walkthrough').description(
    'walks the EdgeMesh tutorial on a fresh cluster, each step asserted',
  )
  return withRunFlags(command).action(async (flags: RunFlags) => {
    conclude(
      await session(flags, {
        walkthrough: true,
        bench: 'none',
        secondOpinion: false,
        report: true,
      }),
    )
  })
}
