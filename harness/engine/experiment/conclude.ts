import type {
  Experiment,
  ExperimentResult,
  Metric,
  MetricResult,
  ReplicateResult,
} from '../../model/experiment.ts'
import { number, percent } from '../answer.ts'
import type { ExperimentStatistics } from '../statistics.ts'

const wantedConfidence = 0.95

/** Sums up what an experiment found, or why it found nothing. */
export function concludeExperiment(
  { id, title, means, load, metrics }: Experiment,
  replicates: readonly ReplicateResult[],
  statistics: ExperimentStatistics,
  { status, reason }: Partial<Pick<ExperimentResult, 'status' | 'reason'>>,
): ExperimentResult {
  const valid = replicates.filter(({ invalid }) => invalid.length === 0)
  const found = metrics.map((metric) => overAll(metric, valid, statistics))
  const known = found.filter(({ value }) => value !== undefined)
  const what = status ?? (known.length > 0 ? 'answered' : 'unanswered')
  const why = reason ?? (what === 'unanswered' ? nothingValid(replicates) : undefined)
  return {
    id,
    title,
    means,
    load,
    status: what,
    ...(why !== undefined && { reason: why }),
    answer:
      what === 'answered' ? answerOf(known, why) : `No answer: ${why ?? 'nothing was tried'}.`,
    metrics: found,
    replicates,
  }
}

function nothingValid(replicates: readonly ReplicateResult[]): string {
  const reasons = [...new Set(replicates.flatMap(({ invalid }) => invalid))]
  return reasons.length === 0 ? 'nothing was seen' : `nothing was valid: ${reasons.join('; ')}`
}

/** Values of which only a bound is known rank worst, whatever stands there. */
function overAll(
  metric: Metric,
  valid: readonly ReplicateResult[],
  statistics: ExperimentStatistics,
): MetricResult {
  const { id, title, unit, better, role, margin, summary = { kind: 'median' } } = metric
  const seen = valid.flatMap(({ values, censored, size }) => {
    const value = values[id]
    return value === undefined ? [] : [{ value, isCensored: censored.includes(id), size }]
  })
  const sign = better === 'lower' ? 1 : -1
  const ranked = seen.toSorted(
    (a, b) => Number(a.isCensored) - Number(b.isCensored) || sign * (a.value - b.value),
  )
  const worst = ranked.at(-1)
  const declared = { id, title, unit, better, role, margin }
  const censored = seen.filter(({ isCensored }) => isCensored).length
  const base = {
    ...declared,
    summary: summary.kind,
    count: seen.length,
    censored,
    ...(worst !== undefined && { worst: worst.value }),
  }
  if (summary.kind === 'slope') {
    const points = seen.flatMap(({ size, value }) =>
      size === undefined ? [] : [[size, value] as const],
    )
    const slope = new Set(points.map(([x]) => x)).size < 2 ? undefined : statistics.slope(points)
    return { ...base, per: summary.per, ...(slope !== undefined && { value: slope * summary.per }) }
  }
  const middle = ranked[Math.floor((ranked.length - 1) / 2)]
  if (middle === undefined) return base
  // why: of half of them only a bound is known, so of the middle one, too
  if (middle.isCensored) return { ...base, value: middle.value, isCensored: true }
  // why: beyond every number, so that they stay at their end of the order
  const numbers = ranked.map(({ value, isCensored }) => (isCensored ? sign * Infinity : value))
  const bounds = statistics.medianInterval(numbers, wantedConfidence)
  return {
    ...base,
    value: censored === 0 ? statistics.median(numbers) : middle.value,
    ...(bounds?.interval.every(Number.isFinite) === true && bounds),
  }
}

/** `stale window after an endpoint was removed 12 ms (between 9.1 and 14 at 95.7 % confidence; 30 events, worst 41 ms); ...` */
function answerOf(metrics: readonly MetricResult[], reason: string | undefined): string {
  const parts = metrics
    .filter(
      ({ role, summary }, _, all) =>
        role === 'gated' || summary === 'slope' || all.every((one) => one.role !== 'gated'),
    )
    .map(metricText)
  const text = parts.join('; ')
  const cutShort = reason === undefined ? '' : ` It broke off: ${reason}.`
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.${cutShort}`
}

/** One metric in words. */
export function metricText(metric: MetricResult): string {
  const { title, unit, value, isCensored, interval, confidence, worst, count, censored, per } =
    metric
  const named = unitText(unit)
  const amount = (of: number): string => `${of < 0 ? '−' : ''}${number(Math.abs(of))}${named}`
  if (value === undefined) return `${title}: not known`
  if (metric.summary === 'slope')
    return `${title}: ${value >= 0 ? '+' : '−'}${number(Math.abs(value))}${named} per ${number(per ?? 1)}`
  const isLower = metric.better === 'lower'
  const more = isCensored === true ? (isLower ? 'more than ' : 'less than ') : ''
  const range =
    interval === undefined || interval[0] === interval[1]
      ? []
      : [
          `between ${interval[0] < 0 ? '−' : ''}${number(Math.abs(interval[0]))} and ${amount(interval[1])} at ${percent(confidence)}`,
        ]
  // why: a rate that is lower than what was tried is no event that somebody waited for
  const known = isLower ? 'given up' : 'only known as an upper bound'
  const bounds = censored === 0 ? [] : [`${censored} of ${count} ${known}`]
  // why: they rank worst, so the worst is one of them as soon as there is one
  const isWorstBound = censored > 0
  const isToldAlready = worst === value && isWorstBound === (isCensored === true)
  const worstText =
    worst === undefined || isToldAlready || count < 2
      ? []
      : [`worst of ${count} ${isWorstBound ? (isLower ? 'over ' : 'below ') : ''}${amount(worst)}`]
  const details = [...range, ...worstText, ...bounds].join(', ')
  return `${title}: ${more}${amount(value)}${details === '' ? '' : ` (${details})`}`
}

function unitText(unit: MetricResult['unit']): string {
  if (unit === 'count') return ''
  return unit === 'us' ? ' µs' : ` ${unit}`
}
