import type { GateMetric } from '../../model/gate.ts'
import { number } from '../answer.ts'

/** The verdict of a metric in one sentence, with numbers. */
export function sentenceOf(metric: Omit<GateMetric, 'sentence'>): string {
  const { verdict, margin, pairs, id } = metric
  const seen = change(metric)
  switch (verdict) {
    case 'regressed':
      return `${id} is worse: ${seen}`
    case 'improved':
      return `${id} is better: ${seen}`
    case 'ok':
      return `${id} did not get worse by ${percent(margin)} or more: ${seen}`
    case 'inconclusive':
      return `${id} is undecided: ${seen}; ${detectable(metric)}`
    case 'invalid':
      return `${id} was not measured: ${pairs.length} complete pairs`
  }
}

function change({
  ratio,
  interval,
  confidence,
  baseline,
  candidate,
  unit,
  pairs,
}: Omit<GateMetric, 'sentence'>): string {
  if (ratio === undefined || baseline === undefined || candidate === undefined) return 'no pair'
  const range =
    interval === undefined || confidence === undefined
      ? ''
      : `, between ${signed(interval[0] - 1)} and ${signed(interval[1] - 1)} at ${(confidence * 100).toFixed(1)} % confidence`
  const name = unit === 'us' ? 'µs' : unit === 'us/req' ? 'µs per request' : unit
  return `${signed(ratio - 1)} (${number(baseline)} to ${number(candidate)} ${name}${range}; ${pairs.length} pairs)`
}

function detectable({ detectable: change, margin }: Omit<GateMetric, 'sentence'>): string {
  if (change === undefined) return 'so few pairs show nothing'
  return `this session finds ${percent(change)} four times of five, the margin is ${percent(margin)}`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`
}

function signed(share: number): string {
  const text = Math.abs(share * 100).toFixed(1)
  return `${text === '0.0' ? '±' : share < 0 ? '−' : '+'}${text} %`
}
