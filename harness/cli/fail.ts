import { HarnessError, UsageError } from '../model/errors.ts'

/** An error as a person reads it: what happened, every problem with its cure, the hint. Never a stack. */
export function errorReport(error: unknown): string {
  const lines = [`meshmark: ${error instanceof Error ? error.message : String(error)}`]
  if (error instanceof UsageError)
    for (const { subject, message, cure } of error.problems)
      lines.push(`  ${subject}: ${message}${cure === undefined ? '' : `; cure: ${cure}`}`)
  if (error instanceof HarnessError && error.hint !== undefined) lines.push(`  ${error.hint}`)
  const cause = error instanceof Error ? error.cause : undefined
  if (cause instanceof Error && !(error as Error).message.includes(cause.message))
    lines.push(`  because: ${cause.message}`)
  return lines.join('\n')
}

/**
 * Exit code of an error that ended a command: 2 for what the user or the machine has to change, which is all that
 * reaches this place; verdicts are results, not errors.
 */
export const errorExitCode = 2
