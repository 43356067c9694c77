import { exitCode } from '../engine/judge.ts'
import type { BenchQuestion, BenchResult, RunResult, StepResult } from '../model/run-result.ts'
import { opinionText } from '../reporters/second-opinion.ts'

/** A run in a screenful of text: steps, answers, verdict, files. */
export function summary(result: RunResult, files: readonly string[]): string {
  const parts = [
    ...(result.walkthrough === undefined ? [] : [steps(result.walkthrough.steps)]),
    ...(result.bench === undefined ? [] : [benchLines(result.bench)]),
    [...result.problems.map((problem) => `problem: ${problem}`), verdict(result)].join('\n'),
    files.map((file) => `wrote ${file}`).join('\n'),
  ]
  return parts.join('\n\n')
}

const marks: Readonly<Record<StepResult['status'], string>> = {
  passed: 'ok          ',
  failed: 'FAILED      ',
  skipped: 'skipped     ',
  inconclusive: 'inconclusive',
}

function steps(all: readonly StepResult[]): string {
  return all
    .map((step) => {
      const line = `${marks[step.status]}  ${step.title}`
      if (step.status === 'passed') return line
      const why = step.reason ?? `expected ${step.expected ?? '?'}; saw ${step.seen ?? '?'}`
      return `${line}\n              ${why.replaceAll('\n', '\n              ')}`
    })
    .join('\n')
}

function answerLines(question: BenchQuestion): string {
  const unused = question.arms.flatMap((arm) => arm.trials).filter((trial) => !trial.valid)
  const rules = new Set(unused.flatMap((trial) => trial.invalid.map(ruleOf)))
  const note =
    unused.length === 0 ? '' : `\n  ${unused.length} trial(s) not used: ${[...rules].join('; ')}`
  return `${question.title}\n  ${question.answer}${note}`
}

function benchLines({ questions, secondOpinion }: BenchResult): string {
  return [
    ...questions.map(answerLines),
    ...(secondOpinion === undefined ? [] : [opinionText(secondOpinion).join('\n  ')]),
  ].join('\n')
}

/** The rule that made a trial invalid, without this trial's numbers. */
function ruleOf(reason: string): string {
  return /^\d/.test(reason)
    ? reason.replace(/^\d+( of \d+)? /, '')
    : (reason.split(':')[0] ?? reason)
}

function verdict(result: RunResult): string {
  const { conclusion, partial, implementation } = result
  const what = `${implementation.project} ${implementation.version}`
  const told = {
    passed: `${what}: everything that was asked for passed`,
    failed: `${what}: at least one step failed`,
    invalid: `${what}: a measurement has no valid trial`,
    inconclusive: `${what}: no verdict`,
  }[conclusion]
  return partial
    ? `${told}; the run was interrupted, this result is partial (exit code 130)`
    : `${told} (exit code ${exitCode(conclusion)})`
}
