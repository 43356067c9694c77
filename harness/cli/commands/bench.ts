import { Command, Option } from 'commander'
import { gateRules } from '../../measure/gate/rule.ts'
import { UsageError } from '../../model/errors.ts'
import { askedBy, listed, listText } from '../questions.ts'
import { stdout } from '../output.ts'
import { commaSeparated, type RunFlags, wholeNumber, withRunFlags } from '../options.ts'
import type { Conclude } from '../program.ts'
import { comparison } from '../comparison.ts'
import { benchDoctorCommand } from './bench-doctor.ts'
import { fullPairs, fullWindowFactor, quickPairs, session } from '../session.ts'
import { replayCommand } from './replay.ts'
import { simulateCommand } from './simulate.ts'

interface BenchFlags extends RunFlags {
  readonly quick: boolean
  readonly pairs?: number
  readonly list: boolean
  readonly only: readonly string[]
  readonly secondOpinion: boolean
  readonly loadNodes?: readonly string[]
  readonly vs?: string
  readonly profile: 'pr' | 'release'
  readonly gate: boolean
  readonly strict: boolean
}

const sizes = {
  quick: { pairs: quickPairs, windowFactor: 1 },
  full: { pairs: fullPairs, windowFactor: fullWindowFactor },
} as const

/** Globs of one flag after those of earlier ones. */
function collected(text: string, before: readonly string[]): readonly string[] {
  return [...before, ...commaSeparated(text)]
}

/** `meshmark bench`: latency, throughput, connections, DNS; direct against target in randomised pairs. */
export function benchCommand(conclude: Conclude): Command {
  const command = new Command('bench').description(
    'measures the target against direct connections, in randomised pairs of trials',
  )
  command.addCommand(benchDoctorCommand(conclude))
  command.addCommand(replayCommand(conclude))
  command.addCommand(simulateCommand(conclude))
  return withRunFlags(command)
    .option('--quick', 'fewer and shorter trials: about a minute and a half', false)
    .option('--pairs <n>', 'pairs of trials per question, 1 to 100', wholeNumber(1, 100))
    .option('--list', 'print the questions and do nothing (with --json as JSON)', false)
    .option(
      '--only <globs>',
      "questions by id: 'convergence-*,l7-latency'; may be given again (default: the standard ones)",
      collected,
      [],
    )
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
      const { vs, only } = flags
      if (flags.list) {
        const all = listed(askedBy(only.length === 0 ? ['*'] : only), sizes)
        stdout(flags.json ? JSON.stringify(all, null, 2) : listText(all))
        conclude(0)
        return
      }
      if (vs !== undefined && only.length > 0)
        throw new UsageError('--only: --vs asks the questions of its --profile', [], {
          hint: 'leave out one of them',
        })
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
          asked: askedBy(only),
          ...(pairs !== undefined && { pairs }),
          ...(loadNodes !== undefined && { loadNodes }),
        }),
      )
    })
}
