import type { ConformanceResult } from '../model/conformance.ts'
import type { GateResult } from '../model/gate.ts'
import type { BenchResult, Conclusion, RunResult, WalkthroughResult } from '../model/run-result.ts'

/**
 * What a run comes to. A failed step or a target that does not conform outweighs everything; then a benchmark without
 * a valid trial (missing data never passes); then trouble of the harness; a run that was cut short proves nothing.
 */
export function conclude(
  result: Pick<RunResult, 'partial' | 'problems'> & {
    readonly walkthrough?: WalkthroughResult
    readonly conformance?: ConformanceResult
    readonly bench?: BenchResult
    readonly gate?: GateResult
  },
): Conclusion {
  const { walkthrough, conformance, bench, gate } = result
  const statuses = new Set((walkthrough?.steps ?? []).map((step) => step.status))
  const conforms = conformance === undefined ? 'passed' : concludeConformance(conformance)
  if (statuses.has('failed') || conforms === 'failed') return 'failed'
  if (result.partial) return 'inconclusive'
  if (gate?.verdict === 'regressed') return 'failed'
  if (gate?.verdict === 'invalid') return 'invalid'
  if (bench?.questions.some(unanswered) === true) return 'invalid'
  if (bench?.experiments?.some(({ status }) => status === 'unanswered') === true) return 'invalid'
  if (conforms === 'inconclusive' || gate?.verdict === 'inconclusive') return 'inconclusive'
  if (bench !== undefined && nothingAsked(bench)) return 'inconclusive'
  if (statuses.has('inconclusive') || result.problems.length > 0) return 'inconclusive'
  if ([walkthrough, conformance, bench, gate].every((part) => part === undefined))
    return 'inconclusive'
  return 'passed'
}

/**
 * `partial` is three things: a flaky MUST was seen to be violated, so it fails; a core row that was skipped was not seen
 * at all, so there is no verdict; known issues alone pass, because that is what an expectation with a date is for. The
 * target is not called conformant in any of them.
 */
function concludeConformance({ conclusion, tests }: ConformanceResult): Conclusion {
  if (conclusion === 'conformant') return 'passed'
  if (conclusion === 'nonConformant') return 'failed'
  if (conclusion === 'inconclusive') return 'inconclusive'
  const musts = tests.filter(({ level }) => level === 'MUST')
  if (musts.some(({ status }) => status === 'flaky')) return 'failed'
  const skipped = musts.some(({ status, feature }) => status === 'skipped' && feature === undefined)
  return skipped ? 'inconclusive' : 'passed'
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

/** Everything was skipped: nothing is known of the target. */
function nothingAsked({ questions, experiments = [] }: BenchResult): boolean {
  return questions.length === 0 && experiments.every(({ status }) => status === 'skipped')
}

function unanswered(question: BenchResult['questions'][number]): boolean {
  return question.arms.some((arm) => arm.trials.every((trial) => !trial.valid))
}
