import type { GateArmId, MetricKind } from '../../model/gate.ts'
import type { BenchTrial } from '../../model/run-result.ts'
import type { AskedPairs } from './trials.ts'

/** Both values of each complete pair, in the order in which the pairs ran. */
export function completePairs(
  { arms }: AskedPairs,
  kind: MetricKind,
  [first, second]: readonly [GateArmId, GateArmId],
): readonly (readonly [number, number])[] {
  const others = arms.get(second) ?? []
  return (arms.get(first) ?? []).flatMap((trial) => {
    // why: of a pair that was run again, only the last run has two valid trials
    const other = others.findLast(({ pair, valid }) => pair === trial.pair && valid)
    const [a, b] = [valueOf(trial, kind), other && valueOf(other, kind)]
    const isLast = (arms.get(first) ?? []).findLast(
      ({ pair, valid }) => pair === trial.pair && valid,
    )
    return a === undefined || b === undefined || isLast !== trial ? [] : [[a, b] as const]
  })
}

function valueOf(trial: BenchTrial, kind: MetricKind): number | undefined {
  if (!trial.valid) return undefined
  const value = kind === 'value' ? trial.value : trial.targetCpuUsPerRequest
  // why: a ratio to nothing is none
  return value !== undefined && value > 0 ? value : undefined
}

/** Whether less is better. */
export function betterOf({ question }: AskedPairs, kind: MetricKind): 'lower' | 'higher' {
  return kind === 'cpu' ? 'lower' : question.better
}

/** Logarithms of second over first, turned so that positive is worse. */
export function worsening(
  pairs: readonly (readonly [number, number])[],
  better: 'lower' | 'higher',
): readonly number[] {
  return pairs.map(([a, b]) => (better === 'lower' ? Math.log(b / a) : Math.log(a / b)))
}
