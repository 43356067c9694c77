import type { Listener, Phase } from './events.ts'

/** Runs one phase and tells its start, its end and what came of it. */
export async function phase<T>(
  {
    phase: name,
    title,
    tell,
  }: { readonly phase: Phase; readonly title: string; readonly tell: Listener },
  work: () => Promise<{ readonly value: T; readonly summary: string }>,
): Promise<{ readonly value: T; readonly durationMs: number }> {
  tell({ kind: 'phase-started', phase: name, title })
  const startedAt = performance.now()
  try {
    const { value, summary } = await work()
    const durationMs = performance.now() - startedAt
    tell({ kind: 'phase-finished', phase: name, durationMs, summary })
    return { value, durationMs }
  } catch (error) {
    tell({ kind: 'phase-failed', phase: name, message: errorText(error) })
    throw error
  }
}

/** An error in one line, with its hint. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const hint = 'hint' in error && typeof error.hint === 'string' ? ` (${error.hint})` : ''
  return `${error.message}${hint}`
}
