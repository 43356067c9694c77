import { Command } from 'commander'
import { suiteVersion } from './package.ts'
import { benchCommand } from './commands/bench.ts'
import { commentCommand } from './commands/comment.ts'
import { compareCommand } from './commands/compare.ts'
import { conformCommand } from './commands/conform.ts'
import { downCommand } from './commands/down.ts'
import { doctorCommand } from './commands/doctor.ts'
import { historyCommand } from './commands/history.ts'
import { imagesCommand } from './commands/images.ts'
import { publishCommand } from './commands/publish.ts'
import { reportCommand } from './commands/report.ts'
import { runCommand } from './commands/run.ts'
import { selfTestCommand } from './commands/selftest.ts'
import { upCommand } from './commands/up.ts'
import { walkthroughCommand } from './commands/walkthrough.ts'

/** Sets the exit code that the process ends with when the command is through. */
export type Conclude = (code: number) => void

export interface Program {
  readonly command: Command
  readonly exitCode: () => number
}

/** The command line: one file per command. */
export function program(): Program {
  let code = 0
  const conclude: Conclude = (next) => {
    code = next
  }
  const command = new Command('meshmark')
    .description(
      'Conformance and benchmark harness for edge service-mesh data planes of the EdgeMesh kind.',
    )
    .version(suiteVersion(), '-V, --version')
    .addHelpText(
      'after',
      '\nExit codes: 0 good, 1 a step failed, 2 usage, configuration or invalid result, 3 inconclusive, 4 only a SHOULD failed and --strict, 130 interrupted.',
    )
  const commands = [
    doctorCommand(conclude),
    upCommand(conclude),
    downCommand(conclude),
    imagesCommand(conclude),
    walkthroughCommand(conclude),
    conformCommand(conclude),
    selfTestCommand(conclude),
    benchCommand(conclude),
    runCommand(conclude),
    reportCommand(conclude),
    compareCommand(conclude),
    historyCommand(conclude),
    publishCommand(conclude),
    commentCommand(conclude),
  ]
  for (const one of commands) command.addCommand(one)
  const nested = command.commands.flatMap((one) => [one, ...one.commands])
  for (const one of [command, ...nested]) {
    // why: a flag belongs to the command that it follows, also where the one above it has the same
    one.enablePositionalOptions()
    one.exitOverride()
    one.configureOutput({ outputError: () => undefined })
    one.showSuggestionAfterError(false)
    one.allowExcessArguments(false)
  }
  return { command, exitCode: () => code }
}
