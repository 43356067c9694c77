/** What one run said of each row. */
export type Verdicts = ReadonlyMap<string, string>

/** A row on which runs do not agree. */
export interface Difference {
  readonly id: string
  /** How many runs said what; a run that lacks the row says `missing`. */
  readonly said: ReadonlyMap<string, number>
}

export function differences(runs: readonly Verdicts[]): readonly Difference[] {
  const ids = [...new Set(runs.flatMap((run) => [...run.keys()]))].sort()
  return ids
    .map((id) => {
      const said = new Map<string, number>()
      for (const run of runs) {
        const verdict = run.get(id) ?? 'missing'
        said.set(verdict, (said.get(verdict) ?? 0) + 1)
      }
      return { id, said }
    })
    .filter(({ said }) => said.size > 1)
}

export function describeDifferences(found: readonly Difference[], runs: number): string {
  if (found.length === 0) return `${runs} runs, not one verdict differs`
  const lines = found.map(
    ({ id, said }) =>
      `  ${id}: ${[...said].map(([verdict, count]) => `${count} x ${verdict}`).join(', ')}`,
  )
  return [`${runs} runs, ${found.length} rows differ:`, ...lines].join('\n')
}
