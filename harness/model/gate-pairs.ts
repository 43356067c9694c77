import type { GateArmId, MetricKind } from './gate.ts'
import type { BenchTrial } from './run-result.ts'

/** Trials of a question by arm, in the order in which they ran. */
export type TrialsByArm = ReadonlyMap<GateArmId, readonly BenchTrial[]>

/** Number of a pair, and what either arm came to. */
export type CompletePair = readonly [pair: number, first: number, second: number]

/** The pairs in which both arms have a valid trial with a value, in the order in which they ran. */
export function completePairs(
  arms: TrialsByArm,
  kind: MetricKind,
  [first, second]: readonly [GateArmId, GateArmId],
): readonly CompletePair[] {
  const [ones, others] = [arms.get(first) ?? [], arms.get(second) ?? []]
  return ones.flatMap((trial) => {
    // why: of a pair that was run again, only the last run has two valid trials
    const other = others.findLast(({ pair, valid }) => pair === trial.pair && valid)
    const [a, b] = [valueOf(trial, kind), other && valueOf(other, kind)]
    const isLast = ones.findLast(({ pair, valid }) => pair === trial.pair && valid) === trial
    return a === undefined || b === undefined || !isLast ? [] : [[trial.pair, a, b] as const]
  })
}

function valueOf(trial: BenchTrial, kind: MetricKind): number | undefined {
  if (!trial.valid) return undefined
  const value = kind === 'value' ? trial.value : trial.targetCpuUsPerRequest
  // why: a ratio to nothing is none
  return value !== undefined && value > 0 ? value : undefined
}

/** Logarithms of second over first, turned so that positive is worse. */
export function worsening(
  pairs: readonly CompletePair[],
  better: 'lower' | 'higher',
): readonly number[] {
  return pairs.map(([, a, b]) => (better === 'lower' ? Math.log(b / a) : Math.log(a / b)))
}
