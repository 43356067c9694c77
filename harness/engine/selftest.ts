import type { SelfTestResult, TestResult } from '../model/conformance.ts'
import type { Mutant } from '../model/mutant.ts'
import type { Requirement } from '../model/requirement.ts'
import type { RunResult } from '../model/run-result.ts'
import { errorText } from './phase.ts'

export interface SelfTestPlan {
  readonly mutants: readonly Mutant[]
  /** Mutants at the same time, each with a cluster of its own. */
  readonly workers: number
  /** Judges these rows against the mutant. */
  readonly judge: (mutant: Mutant) => Promise<RunResult>
  readonly finished: (mutant: MutantVerdict) => void
  readonly signal: AbortSignal
}

/** What one mutant came to. */
export interface MutantVerdict {
  readonly id: string
  readonly title: string
  readonly killedBy: readonly string[]
  readonly survived: readonly string[]
  /** Why rows that were to fail did not, in words. */
  readonly notes: readonly string[]
}

/**
 * Judges every mutant by the rows that are to kill it. A row kills when it fails; an inconclusive or skipped one does not.
 */
export async function judgeMutants(plan: SelfTestPlan): Promise<readonly MutantVerdict[]> {
  const verdicts = new Map<string, MutantVerdict>()
  const queue = [...plan.mutants]
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      if (plan.signal.aborted) return
      const verdict = await judgeOne(next, plan)
      verdicts.set(next.id, verdict)
      plan.finished(verdict)
    }
  }
  await Promise.all(Array.from({ length: plan.workers }, worker))
  return plan.mutants.flatMap(({ id }) => verdicts.get(id) ?? [])
}

async function judgeOne(mutant: Mutant, { judge }: SelfTestPlan): Promise<MutantVerdict> {
  const { id, title, kills } = mutant
  try {
    const { conformance, problems } = await judge(mutant)
    const tests = new Map((conformance?.tests ?? []).map((test) => [test.id, test]))
    const killedBy = kills.filter((row) => tests.get(row)?.status === 'failed')
    const survived = kills.filter((row) => !killedBy.includes(row))
    const notes = survived.map((row) => `${row}: ${statusText(tests.get(row))}`)
    return { id, title, killedBy, survived, notes: [...notes, ...problems] }
  } catch (error) {
    const notes = [`it could not be judged: ${errorText(error)}`]
    return { id, title, killedBy: [], survived: kills, notes }
  }
}

function statusText(test: TestResult | undefined): string {
  if (test === undefined) return 'did not run'
  const why = test.reason ?? test.observed
  return why === undefined ? test.status : `${test.status} (${why})`
}

/** The report of a self-test. */
export function selfTestResult(
  verdicts: readonly MutantVerdict[],
  automated: readonly Requirement[],
): SelfTestResult {
  const killers = new Set(verdicts.flatMap(({ killedBy }) => killedBy))
  return {
    mutants: verdicts.map(({ id, title, killedBy, survived }) => ({
      id,
      title,
      killedBy,
      survived,
    })),
    withoutMutant: automated
      .filter(({ level, id }) => level === 'MUST' && !killers.has(id))
      .map(({ id }) => id),
  }
}

/** Automated MUST rows that no mutant is to fail: nothing has shown that their checks can fail. */
export function unnamedRows(
  mutants: readonly Mutant[],
  automated: readonly Requirement[],
): readonly string[] {
  const named = new Set(mutants.flatMap(({ kills }) => kills))
  return automated.filter(({ level, id }) => level === 'MUST' && !named.has(id)).map(({ id }) => id)
}
