import type { BenchQuestion, BenchTrial } from '../model/run-result.ts'

/** A trial that is not used, and where it stood. */
export interface InvalidTrial {
  readonly arm: string
  readonly trial: BenchTrial
}

export function invalidTrials(question: BenchQuestion): readonly InvalidTrial[] {
  return question.arms.flatMap((arm) =>
    arm.trials.filter((trial) => !trial.valid).map((trial) => ({ arm: arm.label, trial })),
  )
}

/** All trials of a question, valid or not. */
export function trialCount(question: BenchQuestion): number {
  return question.arms.reduce((sum, arm) => sum + arm.trials.length, 0)
}

/** Each reason once, with how many trials it struck: `the schedule was not held (2 trials)`. */
export function invalidReasons(question: BenchQuestion): readonly string[] {
  const counts = new Map<string, number>()
  for (const { trial } of invalidTrials(question))
    for (const reason of trial.invalid) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [...counts].map(([reason, struck]) =>
    struck === 1 ? reason : `${reason} (${struck} trials)`,
  )
}
