import { Command, Option } from 'commander'
import { gateRules } from '../../measure/gate/rule.ts'
import { commaSeparated, type RunFlags, wholeNumber, withRunFlags } from '../options.ts'
import type { Conclude } from '../program.ts'
import { comparison } from '../comparison.ts'
import { session } from '../session.ts'
import { benchDoctorCommand } from './bench-doctor.ts'
import { simulateCommand } from './simulate.ts'

interface BenchFlags extends RunFlags {
  readonly quick: boolean
  readonly pairs?: number
  readonly secondOpinion: boolean
  readonly loadNodes?: readonly string[]
  readonly vs?: string
  readonly profile: 'pr' | 'release'
  readonly gate: boolean
  readonly strict: boolean
}

/** `meshmark bench`: latency, throughput, connections, DNS; direct against target in randomised pairs. */
export function benchCommand(conclude: Conclude): Command {
  const command = new Command('bench').description(
    'measures the target against direct connections, in randomised pairs of trials',
  )
  command.addCommand(benchDoctorCommand(conclude))
  command.addCommand(simulateCommand(conclude))
  return withRunFlags(command)
    .option('--quick', 'fewer and shorter trials: about a minute and a half', false)
    .option('--pairs <n>', 'pairs of trials per question, 1 to 100', wholeNumber(1, 100))
    .option(
      '--load-nodes <names>',
      'nodes that share the load, at once: a,b (default: the first edge node)',
      commaSeparated,
    )
    .option('--second-opinion', 'ask k6 the L7 question, too', false)
    .option(
      '--vs <baseline>',
      'compare with git:REF, npm:VERSION, dir:FOLDER, image:IMAGE, binary:FILE or target:NAME, in the same session',
    )
    .addOption(
      new Option('--profile <name>', 'of --vs: pr takes up to 6 minutes, release finds less')
        .choices(Object.keys(gateRules))
        .default('pr'),
    )
    .option('--gate', 'of --vs: exit 1 when it got worse', false)
    .option('--strict', 'of --gate: exit 3 when that could not be decided', false)
    .action(async (flags: BenchFlags) => {
      const { vs } = flags
      if (vs !== undefined) {
        conclude(await comparison({ ...flags, vs }))
        return
      }
      const { quick, pairs, secondOpinion, loadNodes } = flags
      conclude(
        await session(flags, {
          walkthrough: false,
          bench: quick ? 'quick' : 'full',
          report: true,
          secondOpinion,
          ...(pairs !== undefined && { pairs }),
          ...(loadNodes !== undefined && { loadNodes }),
        }),
      )
    })
}
