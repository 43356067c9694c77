import type { ConformanceResult } from '../model/conformance.ts'
import type { ExperimentResult } from '../model/experiment.ts'
import type { GateResult } from '../model/gate.ts'
import type { BenchQuestion, BenchResult, RunResult, StepResult } from '../model/run-result.ts'
import { factsOf, troubles } from '../reporters/conformance.ts'
import { changeInterval, changeText, gateWords } from '../reporters/gate.ts'
import { opinionText } from '../reporters/second-opinion.ts'
import { counted } from '../reporters/text.ts'
import { verdictOf } from '../reporters/verdict.ts'

/** A run in a screenful of text: steps, answers, verdict, files. */
export function summary(result: RunResult, files: readonly string[]): string {
  const parts = [
    ...(result.walkthrough === undefined ? [] : [steps(result.walkthrough.steps)]),
    ...(result.conformance === undefined ? [] : [conformanceLines(result.conformance)]),
    ...(result.bench === undefined ? [] : [benchLines(result.bench)]),
    ...(result.gate === undefined ? [] : [gateLines(result.gate)]),
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

/** The answer, and what was not used for it. */
function experimentLines({ title, answer, status, replicates }: ExperimentResult): string {
  const unused = replicates.filter(({ invalid }) => invalid.length > 0)
  const rules = new Set(unused.flatMap(({ invalid }) => invalid.map(ruleOf)))
  const note =
    unused.length === 0 || status !== 'answered'
      ? ''
      : `\n  ${unused.length} replicate(s) not used: ${[...rules].join('; ')}`
  return `${title}\n  ${answer.replaceAll('; ', ';\n  ')}${note}`
}

function benchLines({
  questions,
  secondOpinion,
  skipped = [],
  experiments = [],
}: BenchResult): string {
  return [
    ...questions.map(answerLines),
    ...skipped.map(({ title, reason }) => `${title}\n  skipped: ${reason}`),
    ...experiments.map(experimentLines),
    ...(secondOpinion === undefined ? [] : [opinionText(secondOpinion).join('\n  ')]),
  ].join('\n')
}

/** Every metric in a sentence, those that decide first; then the controls. */
function gateLines({ metrics, controls }: GateResult): string {
  return [
    ...metrics.map(
      ({ verdict, sentence, isGated }) =>
        `${gateWords[verdict].padEnd(10)}${sentence}${isGated ? '' : ' (not gated)'}`,
    ),
    ...controls.map(
      (control) =>
        `control   ${control.title}: ${control.verdict}, ${changeText(control.ratio)} (${changeInterval(control)}; ${control.pairs} pairs)`,
    ),
  ].join('\n')
}

/** The rule that made a trial invalid, without this trial's numbers. */
function ruleOf(reason: string): string {
  return /^\d/.test(reason)
    ? reason.replace(/^\d+( of \d+)? /, '')
    : (reason.split(':')[0] ?? reason)
}

/** Profiles in a line each, then every row that did not pass although it is claimed or needed, with all that is known. */
function conformanceLines({ profiles, tests, notAutomated }: ConformanceResult): string {
  const rows = troubles(tests).filter(({ status }) => status !== 'skipped')
  const skipped = tests.filter(({ status }) => status === 'skipped')
  return [
    ...rows.map(
      (test) =>
        `${test.id}  ${test.title}\n${factsOf(test)
          .map(
            ([name, text]) => `  ${name.padEnd(12)}${text.replaceAll('\n', `\n${' '.repeat(14)}`)}`,
          )
          .join('\n')}`,
    ),
    ...(skipped.length > 0
      ? [`skipped\n${skipped.map(({ id, reason }) => `  ${id}  ${reason ?? ''}`).join('\n')}`]
      : []),
    profiles.map(({ name, summary: told }) => `${name.padEnd(11)}${told}`).join('\n'),
    ...(notAutomated.length > 0
      ? [
          `${counted(notAutomated.length, 'row')} of the selection not judged: --list tells which have no check, result.json why`,
        ]
      : []),
  ].join('\n\n')
}

function verdict(result: RunResult): string {
  const { sentence, exitCode } = verdictOf(result)
  return result.partial
    ? `${sentence} The run was interrupted, this result is partial (exit code ${exitCode}).`
    : `${sentence} (exit code ${exitCode})`
}
