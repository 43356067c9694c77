import { ArgumentProblem, parseArguments, type Settings } from './arguments.ts'
import { startBackend } from './backend.ts'
import { identityFrom } from './identity.ts'

/*
 * The backend program: what stands behind Services in tests. It echoes, and reports what reached it, with its pod's
 * identity. Once everything listens it prints one line, {"listening":[{"protocol","address","port"}]}.
 */

function fail(message: string, code: number): never {
  process.stderr.write(`backend: ${message}\n`)
  process.exit(code)
}

function settings(): Settings {
  try {
    return parseArguments(process.argv.slice(2))
  } catch (error) {
    if (error instanceof ArgumentProblem) fail(error.message, 2)
    throw error
  }
}

const { listeners, drainMs } = settings()
process.on('SIGTERM', () => {
  setTimeout(() => process.exit(0), drainMs)
})
try {
  const listening = await startBackend(listeners, identityFrom(process.env))
  process.stdout.write(`${JSON.stringify({ listening })}\n`)
} catch (error) {
  fail(error instanceof Error ? error.message : String(error), 1)
}
