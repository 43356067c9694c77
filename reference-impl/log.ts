/** Log lines: JSON, one per line, on stderr. Facts are named values; no header values, tokens or keys among them. */
export interface Log {
  debug(message: string, facts?: Facts): void
  info(message: string, facts?: Facts): void
  warn(message: string, facts?: Facts): void
  error(message: string, facts?: Facts): void
}

export type Facts = Readonly<Record<string, unknown>>

export const logLevels = ['debug', 'info', 'warn', 'error'] as const

export type LogLevel = (typeof logLevels)[number]

/** @param level - lines below it are not written */
export function jsonLog(
  level: LogLevel,
  write: (line: string) => void = (line) => process.stderr.write(line),
): Log {
  const lowest = logLevels.indexOf(level)
  const at =
    (name: LogLevel) =>
    (message: string, facts: Facts = {}): void => {
      if (logLevels.indexOf(name) < lowest) return
      const time = new Date().toISOString()
      write(`${JSON.stringify({ ...facts, time, level: name, message })}\n`)
    }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** What went wrong, with what caused it. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  return cause instanceof Error ? `${error.message} (${cause.message})` : error.message
}
