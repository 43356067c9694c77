import { Command, Option } from 'commander'
import { commaSeparated, type RunFlags, wholeNumber, withRunFlags } from '../options.ts'
import type { Conclude } from '../program.ts'
import { session } from '../session.ts'

interface AllFlags extends RunFlags {
  readonly full: boolean
  readonly pairs?: number
  readonly secondOpinion: boolean
  readonly loadNodes?: readonly string[]
}

/** `meshmark run`: walkthrough, quick benchmark, report; what `npm run bench` starts. */
export function runCommand(conclude: Conclude): Command {
  const command = new Command('run').description(
    'all of it: walks the tutorial, measures (quick), writes the report',
  )
  return withRunFlags(command)
    .addOption(
      new Option('--quick', 'fewer and shorter trials; this is the default').conflicts('full'),
    )
    .option('--full', 'measure as `bench` does without --quick', false)
    .option('--pairs <n>', 'pairs of trials per question, 1 to 100', wholeNumber(1, 100))
    .option(
      '--load-nodes <names>',
      'nodes that share the load, at once: a,b (default: the first edge node)',
      commaSeparated,
    )
    .option('--second-opinion', 'ask k6 the L7 question, too', false)
    .action(async (flags: AllFlags) => {
      const { full, pairs, secondOpinion, loadNodes } = flags
      conclude(
        await session(flags, {
          walkthrough: true,
          bench: full ? 'full' : 'quick',
          report: true,
          secondOpinion,
          ...(pairs !== undefined && { pairs }),
          ...(loadNodes !== undefined && { loadNodes }),
        }),
      )
    })
}
