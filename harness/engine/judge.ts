import type { BenchResult, Conclusion, RunResult, WalkthroughResult } from '../model/run-result.ts'

/**
 * What a run comes to. A failed step outweighs everything; then a benchmark without a valid trial (missing data
 * never passes); then trouble of the harness; a run that was cut short proves nothing.
 */
export function conclude(
  result: Pick<RunResult, 'partial' | 'problems'> & {
    readonly walkthrough?: WalkthroughResult
    readonly bench?: BenchResult
  },
): Conclusion {
  const statuses = new Set((result.walkthrough?.steps ?? []).map((step) => step.status))
  if (statuses.has('failed')) return 'failed'
  if (result.partial) return 'inconclusive'
  if (result.bench?.questions.some(unanswered) === true) return 'invalid'
  if (statuses.has('inconclusive') || result.problems.length > 0) return 'inconclusive'
  if (result.walkthrough === undefined && result.bench === undefined) return 'inconclusive'
  return 'passed'
}

/** Exit code of a conclusion: design.md, section Command line. */
export function exitCode(conclusion: Conclusion): 0 | 1 | 2 | 3 {
  switch (conclusion) {
    case 'passed':
      return 0
    case 'failed':
      return 1
    case 'invalid':
      return 2
    case 'inconclusive':
      return 3
  }
}

function unanswered(question: BenchResult['questions'][number]): boolean {
  return question.arms.some((arm) => arm.trials.every((trial) => !trial.valid))
}
