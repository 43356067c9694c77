import type { BenchArm, BenchQuestion, PairedEffect } from '../model/run-result.ts'
import type { Question } from '../model/question.ts'
import type { Statistics } from './statistics.ts'

const wantedConfidence = 0.95

/** Compares the arms pair by pair; undefined for a question with one arm or without a complete valid pair. */
export function pairedEffect(
  question: Question,
  arms: readonly BenchArm[],
  statistics: Statistics,
): PairedEffect | undefined {
  const [yardstick, subject] = arms
  if (yardstick === undefined || subject === undefined) return undefined
  const pairs = completePairs(yardstick, subject)
  if (pairs.length === 0) return undefined
  const what = question.metric === 'response-p50' ? 'median response time' : 'requests per second'
  if (question.effect === 'difference') {
    const differences = pairs.map(([a, b]) => b - a)
    return {
      metric: `${what}, ${subject.label} minus ${yardstick.label}`,
      kind: 'difference',
      unit: question.unit,
      estimate: statistics.hodgesLehmann(differences),
      ...statistics.interval(differences, wantedConfidence),
      pairs: differences,
    }
  }
  const logRatios = pairs.map(([a, b]) => Math.log(b / a))
  const bounds = statistics.interval(logRatios, wantedConfidence)
  return {
    metric: `${what}, ${subject.label} over ${yardstick.label}`,
    kind: 'ratio',
    unit: 'x',
    estimate: Math.exp(statistics.hodgesLehmann(logRatios)),
    ...(bounds !== undefined && {
      interval: [Math.exp(bounds.interval[0]), Math.exp(bounds.interval[1])] as const,
      confidence: bounds.confidence,
    }),
    pairs: logRatios.map(Math.exp),
  }
}

/** The answer in one sentence, with numbers and units. */
export function answer(
  question: Question,
  arms: readonly BenchArm[],
  effect: PairedEffect | undefined,
): string {
  const subject = arms.at(-1)
  if (subject?.value === undefined) return 'No answer: no trial was valid.'
  const own = `${number(subject.value)} ${unit(question.unit)}`
  if (arms.length === 1) return `${own} (median of ${valid(subject)} trials).`
  const [yardstick] = arms
  if (yardstick?.value === undefined || effect === undefined)
    return `${own}; there is no valid pair to compare with ${yardstick?.label ?? 'the yardstick'}.`
  const interval = effect.interval
  if (effect.kind === 'difference') {
    const range =
      interval === undefined
        ? ''
        : `, between ${signed(interval[0])} and ${signed(interval[1])} at ${percent(effect.confidence)}`
    return `${signed(effect.estimate)} ${unit(question.unit)} to the median (${number(yardstick.value)} to ${own}${range}).`
  }
  const range =
    interval === undefined
      ? ''
      : `, between ${interval[0].toFixed(3)} and ${interval[1].toFixed(3)} at ${percent(effect.confidence)}`
  return `${effect.estimate.toFixed(3)} times the direct rate: ${own} against ${number(yardstick.value)}${range}.`
}

function completePairs(a: BenchArm, b: BenchArm): readonly (readonly [number, number])[] {
  return a.trials.flatMap((trial) => {
    const other = b.trials.find((candidate) => candidate.pair === trial.pair)
    const complete = trial.value !== undefined && other?.value !== undefined
    return complete ? [[trial.value, other.value] as const] : []
  })
}

function valid(arm: BenchArm): number {
  return arm.trials.filter((trial) => trial.valid).length
}

function unit(name: BenchQuestion['unit']): string {
  return name === 'us' ? 'µs' : name
}

/** Three significant digits, five from a thousand on. */
export function number(value: number): string {
  return new Intl.NumberFormat('en', { maximumSignificantDigits: value >= 1000 ? 5 : 3 }).format(
    value,
  )
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${number(Math.abs(value))}`
}

export function percent(confidence: number | undefined): string {
  return confidence === undefined
    ? 'unknown confidence'
    : `${(confidence * 100).toFixed(1)} % confidence`
}
