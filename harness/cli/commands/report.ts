import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import type { RunResult } from '../../model/run-result.ts'
import { reporters } from '../../reporters/index.ts'
import { readResult } from '../../results/read.ts'
import { wrongWord } from '../nearest.ts'
import { stdout } from '../output.ts'
import type { Conclude } from '../program.ts'
import { resultFile } from '../result-file.ts'
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
    .option('-o, --output <file>', 'write here (default: stdout); with --format badge a folder/')
    .action(async (runs: readonly string[], flags: ReportFlags) => {
      await report(runs, flags)
      conclude(0)
    })
}

async function report(runs: readonly string[], flags: ReportFlags): Promise<void> {
  const results: RunResult[] = []
  for (const run of runs) results.push(await readResult(await resultFile(run)))
  const reporter = reporters.find(({ id }) => id === flags.format)
  const { output } = flags
  if (output === undefined) {
    stdout(reporter?.render(results) ?? '')
    return
  }
  const parts = (await isFolder(output)) ? reporter?.parts?.(results) : undefined
  const files = parts ?? new Map([['', reporter?.render(results) ?? '']])
  if (parts !== undefined) await mkdir(output, { recursive: true })
  for (const [name, text] of files) {
    const path = name === '' ? output : join(output, name)
    await writeText(path, text)
    stdout(`wrote ${path}`)
  }
}

/** One that exists, or one that is meant by the slash at its end. */
async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isDirectory() ?? path.endsWith('/')
}

function parseFormat(name: string): string {
  const ids = reporters.map((reporter) => reporter.id)
  if (!ids.includes(name)) throw new InvalidArgumentError(wrongWord(name, ids))
  return name
}
