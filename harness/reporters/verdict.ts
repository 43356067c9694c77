import type { Conclusion, RunResult, StepResult } from '../model/run-result.ts'
import { badText, goodText, unprovenText } from './conformance-sentence.ts'
import { gateText } from './gate.ts'
import { counted } from './text.ts'

/** A run in words: what every format says first. */
export interface Verdict {
  readonly conclusion: Conclusion
  /** `passed`, `failed`, `no verdict`. */
  readonly word: string
  /** One sentence in plain words. */
  readonly sentence: string
  readonly exitCode: number
  readonly exitMeaning: string
}

export function verdictOf(result: RunResult): Verdict {
  const { conclusion, partial } = result
  return {
    conclusion,
    word: words[conclusion],
    sentence: sentence(result),
    ...(partial
      ? {
          exitCode: 130,
          exitMeaning: 'the run was interrupted',
        }
      : exit(result)),
  }
}

const words: Readonly<Record<Conclusion, string>> = {
  passed: 'passed',
  failed: 'failed',
  invalid: 'not valid',
  inconclusive: 'no verdict',
}

const exits: Readonly<Record<Conclusion, Pick<Verdict, 'exitCode' | 'exitMeaning'>>> = {
  passed: { exitCode: 0, exitMeaning: 'everything that was asked for passed' },
  failed: { exitCode: 1, exitMeaning: 'at least one step did not see what it must' },
  invalid: { exitCode: 2, exitMeaning: 'a measurement cannot be believed, so it is not reported' },
  inconclusive: { exitCode: 3, exitMeaning: 'the run proves nothing, neither good nor bad' },
}

function exit({
  conclusion,
  conformance,
  gate,
}: RunResult): Pick<Verdict, 'exitCode' | 'exitMeaning'> {
  if (gate?.verdict === 'regressed')
    return {
      exitCode: 1,
      exitMeaning: 'the candidate is worse than its baseline (0 without --gate)',
    }
  if (gate?.verdict === 'inconclusive' && conclusion === 'inconclusive')
    return { exitCode: 0, exitMeaning: 'nothing was proven worse (3 with --strict)' }
  return conclusion === 'failed' && conformance !== undefined && badText(conformance) !== ''
    ? { exitCode: 1, exitMeaning: 'at least one requirement that is a MUST is not met' }
    : exits[conclusion]
}

/** `reference 0.1.0`. */
export function subjectName({ implementation }: Pick<RunResult, 'implementation'>): string {
  return `${implementation.project} ${implementation.version}`
}

function sentence(result: RunResult): string {
  const subject = subjectName(result)
  const steps = result.walkthrough?.steps ?? []
  if (result.gate !== undefined && !result.partial) return `${subject}, ${gateText(result.gate)}.`
  switch (result.conclusion) {
    case 'passed':
      return `${subject} passed: ${[stepsText(steps), result.conformance === undefined ? '' : goodText(result.conformance), questionsText(result)].filter((part) => part !== '').join('; ')}.`
    case 'failed':
      return `${subject} failed: ${failures(result)}.`
    case 'invalid':
      return `No verdict on ${subject}: ${unanswered(result)} of ${counted(answers(result).length, 'benchmark question')} ${unanswered(result) === 1 ? 'has' : 'have'} no valid answer.`
    case 'inconclusive':
      return `No verdict on ${subject}: ${trouble(result)}.`
  }
}

function failures({ walkthrough, conformance }: RunResult): string {
  const steps = walkthrough?.steps ?? []
  const failed = having(steps, 'failed')
  const bad = conformance === undefined ? '' : badText(conformance)
  return [
    ...(failed > 0 || bad === ''
      ? [`${failed} of ${counted(steps.length, 'walkthrough step')} did not see what was expected`]
      : []),
    ...(bad === '' ? [] : [bad]),
  ].join('; ')
}

function stepsText(steps: readonly StepResult[]): string {
  if (steps.length === 0) return ''
  const skipped = having(steps, 'skipped')
  const passed = `${having(steps, 'passed')} of ${counted(steps.length, 'walkthrough step')} passed`
  return skipped === 0 ? passed : `${passed}, ${skipped} skipped`
}

function questionsText(result: RunResult): string {
  const all = answers(result).length
  const skipped = skippedCount(result)
  if (all + skipped === 0) return ''
  const answered = `${all - unanswered(result)} of ${counted(all, 'benchmark question')} answered`
  return skipped === 0 ? answered : `${answered}, ${skipped} skipped`
}

function trouble(result: RunResult): string {
  if (result.partial) return 'the run was interrupted'
  const unjudged = having(result.walkthrough?.steps ?? [], 'inconclusive')
  const unproven = result.conformance === undefined ? '' : unprovenText(result.conformance)
  const parts = [
    ...(unproven === '' ? [] : [unproven]),
    ...(unjudged > 0 ? [`${counted(unjudged, 'step')} could not be judged`] : []),
    ...(result.problems.length > 0
      ? [`the harness itself had ${counted(result.problems.length, 'problem')}`]
      : []),
  ]
  if (parts.length === 0 && skippedCount(result) > 0) return 'every question was skipped'
  return parts.length === 0 ? 'nothing was tried' : parts.join(' and ')
}

/** How many steps came out this way. */
export function having(steps: readonly StepResult[], status: StepResult['status']): number {
  return steps.filter((step) => step.status === status).length
}

/** Whether each question that was asked has an answer, those of experiments included. */
function answers({ bench }: RunResult): readonly boolean[] {
  const { questions = [], experiments = [] } = bench ?? {}
  const asked = experiments.filter(({ status }) => status !== 'skipped')
  return [...questions.map(isAnswered), ...asked.map(({ status }) => status === 'answered')]
}

/** Questions that make no sense for this target in this cluster. */
function skippedCount({ bench }: RunResult): number {
  const { skipped = [], experiments = [] } = bench ?? {}
  return skipped.length + experiments.filter(({ status }) => status === 'skipped').length
}

function unanswered(result: RunResult): number {
  return answers(result).filter((is) => !is).length
}

/** A question is answered when each arm has a valid trial. */
export function isAnswered(
  question: NonNullable<RunResult['bench']>['questions'][number],
): boolean {
  return question.arms.every((arm) => arm.trials.some((trial) => trial.valid))
}
