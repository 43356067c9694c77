#!/usr/bin/env node
import { CommanderError } from 'commander'
import { errorExitCode, errorReport } from './fail.ts'
import { flushed, stderr } from './output.ts'
import { program } from './program.ts'
import { usageReport } from './usage.ts'

/** Runs the command line and gives the exit code: the only place that sets it. */
async function main(argv: readonly string[]): Promise<number> {
  const cli = program()
  try {
    await cli.command.parseAsync([...argv], { from: 'user' })
    return cli.exitCode()
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0
      stderr(usageReport(error, cli.command, argv))
      return errorExitCode
    }
    stderr(errorReport(error))
    return errorExitCode
  }
}

const code = await main(process.argv.slice(2))
await flushed()
process.exit(code)
