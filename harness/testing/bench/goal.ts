import { median } from '../../measure/quantile.ts'
import { spread } from './arm.ts'

/** A number that is wanted, beside what was measured, once per round. */
export interface Goal {
  readonly what: string
  readonly values: readonly number[]
  /** `x` for a ratio, or a unit: `ms`. */
  readonly unit: string
  readonly atLeast?: number
  readonly atMost?: number
}

/** Prints each goal with its verdict; a goal without values names an arm that was left out. */
export function tellGoals(goals: readonly Goal[]): void {
  for (const goal of goals) console.log(`  goal: ${judged(goal)}`)
}

/**
 * `L4 rps / direct: 0.985 (0.950 to 1.010)x, wanted >= 0.97x: reached; 6 of 7 reach it`. The median counts; by how
 * much it is missed is relative to what was wanted.
 */
export function judged({ what, values, unit, atLeast, atMost }: Goal): string {
  const wanted = [
    ...(atLeast === undefined ? [] : [`>= ${atLeast}${unit}`]),
    ...(atMost === undefined ? [] : [`<= ${atMost}${unit}`]),
  ].join(' and ')
  if (values.length === 0) return `${what}: not measured, wanted ${wanted}`
  const reaches = (value: number): boolean =>
    (atLeast === undefined || value >= atLeast) && (atMost === undefined || value <= atMost)
  const middle = median(values)
  const bound = atLeast !== undefined && middle < atLeast ? atLeast : (atMost ?? atLeast ?? NaN)
  const by = `${(Math.abs(middle / bound - 1) * 100).toFixed(0)} %`
  const verdict = reaches(middle) ? 'reached' : `missed by ${by}`
  const rounds = `${values.filter(reaches).length} of ${values.length} reach it`
  return `${what}: ${spread(values, digitsFor(middle))}${unit}, wanted ${wanted}: ${verdict}; ${rounds}`
}

/** Three digits that say something. */
function digitsFor(value: number): number {
  return Math.max(0, Math.min(4, 2 - Math.floor(Math.log10(Math.max(Math.abs(value), 1e-4)))))
}
