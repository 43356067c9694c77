import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import type { RunResult } from '../../model/run-result.ts'
import { reporters } from '../../reporters/index.ts'
import { readResult } from '../../results/read.ts'
import { wrongWord } from '../nearest.ts'
import { stdout } from '../output.ts'
import type { Conclude } from '../program.ts'
import { writeText } from '../write-text.ts'

interface ReportFlags {
  readonly format: string
  readonly output?: string
}

/** `meshmark report`: results of earlier runs, side by side, in any format. */
export function reportCommand(conclude: Conclude): Command {
  return new Command('report')
    .description('renders one or more results (result.json, or the folder that holds it)')
    .argument('<run...>', 'result files or folders')
    .option(
      '--format <name>',
      reporters.map((reporter) => reporter.id).join(', '),
      parseFormat,
      'html',
    )
    .option('-o, --output <file>', 'write here (default: stdout)')
    .action(async (runs: readonly string[], flags: ReportFlags) => {
      await report(runs, flags)
      conclude(0)
    })
}

async function report(runs: readonly string[], flags: ReportFlags): Promise<void> {
  const results: RunResult[] = []
  for (const run of runs) results.push(await readResult(await resultFile(run)))
  const reporter = reporters.find(({ id }) => id === flags.format)
  const text = reporter?.render(results) ?? ''
  if (flags.output === undefined) stdout(text)
  else {
    await writeText(flags.output, text)
    stdout(`wrote ${flags.output}`)
  }
}

async function resultFile(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined)
  return found?.isDirectory() === true ? join(path, 'result.json') : path
}

function parseFormat(name: string): string {
  const ids = reporters.map((reporter) => reporter.id)
  if (!ids.includes(name)) throw new InvalidArgumentError(wrongWord(name, ids))
  return name
}
