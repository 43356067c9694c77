import { Command } from 'commander'
import { type RunFlags, wholeNumber, withRunFlags } from '../options.ts'
import type { Conclude } from '../program.ts'
import { selfTest } from '../selftest.ts'

export interface SelfTestFlags extends RunFlags {
  readonly only?: string
  readonly rows?: string
  readonly workers: number
  readonly list: boolean
}

/** `meshmark selftest`: the suite against mutants of the reference data plane. */
export function selfTestCommand(conclude: Conclude): Command {
  const command = new Command('selftest').description(
    'proves that the checks can fail: runs them against the reference with one fault at a time',
  )
  return withRunFlags(command)
    .option('--only <globs>', "mutants by id, e.g. 'dns-*'")
    .option('--rows <globs>', "of the rows that are to kill them, these alone: 'ROB-*,LB-DR-002'")
    .option('--workers <n>', 'mutants at the same time, 1 to 8', wholeNumber(1, 8), 2)
    .option('--list', 'print the mutants, and rows without one, and do nothing', false)
    .action(async (flags: SelfTestFlags) => {
      conclude(await selfTest(flags))
    })
}
