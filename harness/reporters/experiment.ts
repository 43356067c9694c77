import type { MetricResult } from '../model/experiment.ts'
import { absent, number, quantity, signed, unitText } from './format.ts'

/** A metric's value with its unit: `12.4 ms`, `over 10,000 ms` where only that bound is known, `+3.1 KiB per 100` of a slope. */
export function metricText({
  value,
  unit,
  summary,
  per,
  isCensored,
  better,
}: MetricResult): string {
  if (value === undefined) return absent
  const own = unit === 'count' ? '' : unit
  if (summary === 'slope')
    return `${signed(value)}${own === '' ? '' : ` ${unitText(own)}`} per ${number(per)}`
  const over = isCensored === true ? (better === 'lower' ? 'over ' : 'below ') : ''
  return `${over}${quantity(value, own).trim()}`
}
