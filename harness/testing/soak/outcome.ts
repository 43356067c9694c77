/** How much is sent, and from which seed. */
export interface SoakFlags {
  readonly seed: number
  /** Hostile DNS packets. */
  readonly packets: number
  /** Hostile HTTP messages, a connection each. */
  readonly messages: number
  /** Times that the agent is killed. */
  readonly kills: number
}

/** One thing that a part of the soak judges; without `ok` it was not judged, and `seen` says why. */
export interface Finding {
  readonly name: string
  readonly seen: string
  readonly ok?: boolean
}

/** What one part of the soak sent and saw. */
export interface Outcome {
  readonly sent: string
  readonly seen: string
  readonly findings: readonly Finding[]
}

export function passed({ findings }: Outcome): boolean {
  return findings.some(({ ok }) => ok === true) && findings.every(({ ok }) => ok !== false)
}

/** A line with the verdict, then one for each thing that was judged. */
export function tellOutcome(part: string, seed: number, outcome: Outcome, tookMs: number): string {
  const { sent, seen, findings } = outcome
  const verdict = passed(outcome) ? 'passed' : 'FAILED'
  return [
    `${part}: ${verdict}; sent ${sent}; seen ${seen}; seed ${seed}; ${(tookMs / 1_000).toFixed(0)} s`,
    ...findings.map(({ name, seen: told, ok }) => `  ${mark(ok)} ${name}: ${told}`),
  ].join('\n')
}

function mark(ok: boolean | undefined): string {
  if (ok === undefined) return '-     '
  return ok ? 'ok    ' : 'NOT OK'
}

/** What was counted and the first few of it, for people. */
export function examples({
  count,
  first,
}: {
  readonly count: number
  readonly first: readonly string[]
}): string {
  return `${count}${first.length === 0 ? '' : `: ${first.join('; ')}`}`
}
