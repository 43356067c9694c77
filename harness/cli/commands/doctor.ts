import { Command } from 'commander'
import { heal } from '../../clusters/kind/leftovers.ts'
import { blocking, examine, findingText } from '../doctor/examine.ts'
import { install } from '../doctor/install.ts'
import { stderr, stdout } from '../output.ts'
import { errorExitCode } from '../fail.ts'
import type { Conclude } from '../program.ts'

/** How long the removal of everything that is left may take. */
const healMs = 300_000

interface DoctorFlags {
  readonly install: boolean
  readonly heal: boolean
  readonly json: boolean
}

/** `meshmark doctor`: what this machine can run. */
export function doctorCommand(conclude: Conclude): Command {
  return new Command('doctor')
    .description(
      'says what this machine can run, one finding a line, with the cure for what is missing',
    )
    .option(
      '--install',
      "install what is missing with the system's package manager, pull images that Docker lacks",
      false,
    )
    .option('--heal', 'remove the clusters and undo the faults that dead runs left', false)
    .option('--json', 'print the findings as JSON on stdout', false)
    .action(async (flags: DoctorFlags) => {
      conclude(await doctor(flags))
    })
}

async function doctor(flags: DoctorFlags): Promise<number> {
  if (flags.install)
    await install(
      (await examine()).filter(({ state }) => state === 'missing'),
      stderr,
    )
  if (flags.heal) {
    const done = await heal({ signal: AbortSignal.timeout(healMs) })
    for (const line of done.length === 0 ? ['no dead run left anything'] : done) stderr(line)
  }
  const findings = await examine()
  if (flags.json) stdout(JSON.stringify({ findings }, null, 2))
  else stdout(findings.map(findingText).join('\n'))
  const blockers = blocking(findings)
  if (!flags.json)
    stdout(
      blockers.length === 0
        ? '\nThis machine can run `meshmark run`.'
        : `\nThis machine cannot run \`meshmark run\` yet: ${blockers.map(({ id }) => id).join(', ')}.`,
    )
  return blockers.length === 0 ? 0 : errorExitCode
}
