import { Command } from 'commander'
import { heal } from '../../clusters/kind/leftovers.ts'
import { removeStaleRunDirectories } from '../../clusters/local/run-directory.ts'
import { healExisting } from '../../clusters/kubeconfig/provider.ts'
import type { AbortOptions } from '../../model/abort.ts'
import { UsageError } from '../../model/errors.ts'
import { which } from '../doctor/execute.ts'
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
  readonly kubeconfig?: string
  readonly context?: string
  readonly yesThisCluster?: string
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
    .option(
      '--heal',
      'remove the clusters, folders and objects that dead runs left, undo their faults',
      false,
    )
    .option('--kubeconfig <file>', 'with --heal: also in this cluster that exists')
    .option('--context <name>', 'of that kubeconfig (default: the current one)')
    .option('--yes-this-cluster <context>', 'agree to a cluster that looks like production')
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
  if (flags.kubeconfig !== undefined && !flags.heal)
    throw new UsageError('doctor: --kubeconfig has no meaning without --heal')
  if (flags.heal) {
    const done = await healAll(flags, { signal: AbortSignal.timeout(healMs) })
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

/** Without Docker there is no cluster of kind or k3d to look for. */
async function healAll(flags: DoctorFlags, options: AbortOptions): Promise<readonly string[]> {
  const { kubeconfig, context, yesThisCluster } = flags
  const folders = (await removeStaleRunDirectories()).map((path) => `removed the folder ${path}`)
  const own = [...folders, ...(which('docker') === undefined ? [] : await heal(options))]
  if (kubeconfig === undefined) return own
  const left = await healExisting(
    {
      kubeconfig,
      ...(context !== undefined && { context }),
      ...(yesThisCluster !== undefined && { agreedCluster: yesThisCluster }),
    },
    options,
  )
  return [...own, ...left.map((what) => `removed the ${what}`)]
}
