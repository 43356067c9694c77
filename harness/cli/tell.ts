import { type Command, Option } from 'commander'
import { stdout } from './output.ts'
import { writeText } from './write-text.ts'

/** How a command that boots nothing tells what it found. */
export interface TellFlags {
  readonly format: 'text' | 'markdown' | 'json'
  readonly json: boolean
  readonly output?: string
}

export function withTellFlags(command: Command): Command {
  return command
    .addOption(
      new Option('--format <name>', 'how it is told')
        .choices(['text', 'markdown', 'json'])
        .default('text'),
    )
    .option('--json', 'the same as --format json', false)
    .option('-o, --output <file>', 'write here (default: stdout)')
}

/** Writes what was found in the format that was asked for. */
export async function tellIn(
  { format, json, output }: TellFlags,
  as: {
    readonly text: () => string
    readonly markdown: () => string
    readonly json: () => unknown
  },
): Promise<void> {
  const text =
    json || format === 'json' ? JSON.stringify(as.json(), null, 2) : as[format]().trimEnd()
  if (output === undefined) {
    stdout(text)
    return
  }
  await writeText(output, `${text}\n`)
  stdout(`wrote ${output}`)
}
