import { Command, InvalidArgumentError, Option } from 'commander'
import { type Section, sections } from '../bench-doctor/check.ts'
import { type BenchDoctorReport, examineMeasurement } from '../bench-doctor/examine.ts'
import { conclusionText, toldText } from '../bench-doctor/tell.ts'
import { interruptedExitCode, interruption } from '../interrupt.ts'
import { commaSeparated, wholeNumber } from '../options.ts'
import { stderr, stdout } from '../output.ts'
import type { Conclude } from '../program.ts'
import { writeText } from '../write-text.ts'

interface BenchDoctorFlags {
  readonly quick: boolean
  readonly only: readonly Section[]
  readonly seed: number
  readonly inject?: number
  readonly out?: string
  readonly format: 'text' | 'json'
  readonly json: boolean
}

/** `meshmark bench doctor`: can measurements be believed, on this machine, now? */
export function benchDoctorCommand(conclude: Conclude): Command {
  return new Command('doctor')
    .description('can measurements be believed, on this machine, now? Takes up to three minutes')
    .option('--quick', 'shorter windows, fewer rounds: less than a minute, and says less', false)
    .option('--only <parts>', `of ${sections.join(', ')}`, parseSections, sections)
    .option('--seed <n>', 'seed of arrivals and order', wholeNumber(0, 2 ** 32 - 1), 1)
    .option(
      '--inject <percent>',
      'besides, slow a server by so much: a gate has to find it; 6 to 100',
      wholeNumber(6, 100),
    )
    .option('--out <file>', 'write the report as JSON')
    .addOption(new Option('--format <name>', 'on stdout').choices(['text', 'json']).default('text'))
    .option('--json', 'the same as --format json', false)
    .addHelpText(
      'after',
      '\nExit codes: 0 sound, 1 a check of ours failed, 3 it could not be told because the machine is busy.',
    )
    .action(async (flags: BenchDoctorFlags) => {
      conclude(await benchDoctor(flags))
    })
}

async function benchDoctor(flags: BenchDoctorFlags): Promise<number> {
  const isJson = flags.json || flags.format === 'json'
  // why: with JSON on stdout a person still sees on stderr that it goes on
  const say = isJson ? stderr : stdout
  using interrupted = interruption()
  const { signal } = interrupted
  let report: BenchDoctorReport
  try {
    report = await examineMeasurement({
      seed: flags.seed,
      isQuick: flags.quick,
      only: flags.only,
      signal,
      ...(flags.inject !== undefined && { inject: flags.inject / 100 }),
      told: (what) => {
        say(toldText(what))
      },
    })
  } catch (error) {
    if (signal.aborted) return interruptedExitCode
    throw error
  }
  say(`\n${conclusionText(report.checks)}`)
  const json = JSON.stringify(report, null, 2)
  if (isJson) stdout(json)
  if (flags.out !== undefined) await writeText(flags.out, `${json}\n`)
  return report.exitCode
}

function isSection(name: string): boolean {
  return sections.some((section) => section === name)
}

function parseSections(text: string): readonly Section[] {
  const named = commaSeparated(text)
  const unknown = named.filter((name) => !isSection(name))
  if (unknown.length > 0)
    throw new InvalidArgumentError(`got ${unknown.join(', ')}, want any of ${sections.join(', ')}`)
  return named as readonly Section[]
}
