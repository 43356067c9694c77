import type { Reporter } from '../model/reporter.ts'
import type { BenchResult, RunResult, StepResult } from '../model/run-result.ts'
import { absent, duration, effectText, intervalText, percent, quantity } from './format.ts'
import { invalidReasons, invalidTrials, trialCount } from './invalid-trials.ts'
import { gateBlocks } from './markdown-gate.ts'
import { reproduceCommand, suiteText } from './reproduce.ts'
import { conformanceBlocks } from './markdown-conformance.ts'
import { fenced, inline, table } from './markdown-text.ts'
import { counted, cut } from './text.ts'
import { subjectName, verdictOf } from './verdict.ts'
import { opinionText } from './second-opinion.ts'

/** GitHub refuses a summary of more than 1 MiB per step: leave room for what others append. */
const maxBytes = 900_000

/** Characters of one output; what people read is far less. */
const maxSeenLength = 2_000

/** A summary for `$GITHUB_STEP_SUMMARY` and pull request comments. */
export const markdown: Reporter = {
  id: 'markdown',
  extension: '.md',
  render: (results) => markdownWithin(results, maxBytes),
}

/** Each result in its share of `bytes`, as far as its rows can be folded and listed by their ids. */
export function markdownWithin(results: readonly RunResult[], bytes: number): string {
  return results.map((result) => run(result, bytes / results.length)).join('\n---\n\n')
}

function run(result: RunResult, maxRunBytes: number): string {
  const verdict = verdictOf(result)
  const blocks = [
    `## ${marks[result.conclusion]} ${inline(verdict.sentence)}`,
    `Exit code ${verdict.exitCode}: ${verdict.exitMeaning}.`,
    result.partial
      ? '> **Partial:** the run was interrupted; this result must not be compared.'
      : '',
    result.problems.map((problem) => `- problem: ${inline(problem)}`).join('\n'),
    ...(result.walkthrough === undefined ? [] : walkthrough(result.walkthrough.steps)),
    ...(result.conformance === undefined
      ? []
      : conformanceBlocks(result.conformance, maxRunBytes / 2)),
    ...(result.bench === undefined ? [] : bench(result.bench)),
    ...(result.gate === undefined ? [] : gateBlocks(result.gate)),
    ...(result.bench?.secondOpinion === undefined
      ? []
      : [opinionText(result.bench.secondOpinion).map(inline).join(': ')]),
    `${inline(subjectName(result))} on ${inline(result.environment.kernel)}, ${counted(result.environment.cpus, 'CPU')}, ` +
      `provider ${inline(result.cluster.provider)}; ${inline(suiteText(result))}. Reproduce:`,
    fenced(reproduceCommand(result)),
  ]
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`
}

const marks: Readonly<Record<RunResult['conclusion'] | StepResult['status'], string>> = {
  passed: '✅',
  failed: '❌',
  invalid: '⚠️',
  inconclusive: '❔',
  skipped: '➖',
}

function walkthrough(steps: readonly StepResult[]): readonly string[] {
  return [
    '### Walkthrough',
    table(
      ['', 'step', 'status', 'took'],
      [':-:', ':--', ':--', '--:'],
      steps.map((step) => [marks[step.status], step.title, step.status, duration(step.durationMs)]),
    ),
    ...steps.filter((step) => step.status !== 'passed').map(trouble),
  ]
}

function trouble(step: StepResult): string {
  const facts = [
    step.command === undefined ? '' : fenced(`$ ${step.command}`),
    step.reason === undefined ? '' : `Reason: ${inline(step.reason)}`,
    step.expected === undefined ? '' : `Expected:\n\n${fenced(cut(step.expected, maxSeenLength))}`,
    step.seen === undefined ? '' : `Seen:\n\n${fenced(cut(step.seen, maxSeenLength))}`,
  ]
  const title = `#### ${marks[step.status]} ${inline(step.title)} (${step.status})`
  return [title, ...facts.filter((fact) => fact !== '')].join('\n\n')
}

function bench({ questions, skipped = [], experiments = [] }: BenchResult): readonly string[] {
  const rows = questions.map((question) => {
    const value = (id: string): string =>
      quantity(question.arms.find((arm) => arm.id === id)?.value, question.unit)
    const { effect } = question
    const interval =
      effect?.interval === undefined
        ? absent
        : `${intervalText(effect)} (${percent(effect.confidence)})`
    return [
      question.title,
      value('direct'),
      value('target'),
      effect === undefined ? absent : effectText(effect.estimate, effect),
      interval,
      `${trialCount(question) - invalidTrials(question).length} of ${trialCount(question)}`,
    ]
  })
  const unused = questions.flatMap((question) =>
    invalidReasons(question).map(
      (reason) => `- not used in ${inline(question.id)}: ${inline(reason)}`,
    ),
  )
  const asked = [
    table(
      ['question', 'direct', 'target', 'effect', 'interval', 'valid trials'],
      [':--', '--:', '--:', '--:', '--:', '--:'],
      rows,
    ),
    unused.join('\n'),
  ]
  return [
    '### Benchmark',
    ...(questions.length > 0 ? asked : []),
    skipped.map(({ title, reason }) => `- skipped: ${inline(title)} ${inline(reason)}`).join('\n'),
    ...experiments.map(
      ({ title, answer, means }) =>
        `**${inline(title)}**\n\n${answerList(answer)}\n\nWhat it means: ${inline(means)}.`,
    ),
  ]
}

/** Metrics of an answer, one a line. */
function answerList(answer: string): string {
  return answer
    .split('; ')
    .map((part) => `- ${inline(part)}`)
    .join('\n')
}
