import { Command, InvalidArgumentError } from 'commander'
import type { Selection } from '../../engine/select.ts'
import { type RunFlags, wholeNumber, withRunFlags } from '../options.ts'
import type { Conclude } from '../program.ts'
import { conformance } from '../conformance.ts'

/** What `conform` takes beside the flags of every run. */
export interface ConformFlags extends RunFlags, Selection {
  readonly fast: boolean
  readonly shuffle: boolean
  readonly repeat: number
  readonly workers?: number
  readonly failFast: boolean
  readonly strict: boolean
  readonly list: boolean
  readonly explain?: string
  readonly expectations?: string
  readonly format?: readonly string[]
  readonly output?: string
}

/** `meshmark conform`: the conformance suite. */
export function conformCommand(conclude: Conclude): Command {
  const command = new Command('conform').description(
    'judges the target by the catalogue of requirements',
  )
  return withRunFlags(command)
    .option('--profile <names>', 'DNS, L4, L7, LB, EDGE, GATEWAY, SECURITY, ROBUSTNESS')
    .option('--only <globs>', "rows by id: 'DNS-A-*,L4-TCP-001'")
    .option('--level <names>', 'MUST, SHOULD, MAY')
    .option('--feature <names>', 'rows that name one of these features; core: rows that name none')
    .option('--fast', 'leave out what takes over 30 s, and what breaks things', false)
    .option('--shard <i/n>', 'one part of n, e.g. 1/3; together they are everything')
    .option('--shuffle', 'in an order drawn from the seed', false)
    .option('--repeat <n>', 'each check n times, 1 to 100', wholeNumber(1, 100), 1)
    .option('--workers <n>', 'checks at the same time, 1 to 64', wholeNumber(1, 64))
    .option('--fail-fast', 'stop at the first MUST that fails', false)
    .option('--strict', 'exit with 4 when only a SHOULD failed', false)
    .option('--list', 'print the rows and do nothing (with --json as JSON)', false)
    .option('--explain <id>', 'print what a row asks for and how it is checked')
    .option('--expectations <file>', 'known failures of this target, with reason, link and expiry')
    .option('--format <names>', 'more files beside result.json, e.g. junit,sarif', words)
    .option('-o, --output <file>', 'where the one file of --format goes')
    .action(async (flags: ConformFlags) => {
      conclude(await conformance(flags))
    })
}

function words(text: string): readonly string[] {
  const all = text.split(',').filter((word) => word !== '')
  if (all.length === 0) throw new InvalidArgumentError('want names with commas between: a,b')
  return all
}
