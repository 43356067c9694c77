import { median } from '../../measure/quantile.ts'
import type { AbortOptions } from '../../model/abort.ts'

/** What one measurement of an arm found, by the name of the number. */
export type Reading = Readonly<Record<string, number>>

/** One thing measured, once per round. */
export interface Arm {
  readonly name: string
  readonly measure: () => Promise<Reading>
}

/** What every part of the benchmark is told. */
export interface BenchPlan extends AbortOptions {
  readonly rounds: number
  /** Uniform in [0, 1): the order of the arms. */
  readonly random: () => number
}

/** One part of the benchmark, which prints what it found; `--only` picks one by its name. */
export type Part = (plan: BenchPlan) => Promise<void>

/** The readings of every arm, in the order of the rounds. */
export type Readings = ReadonlyMap<string, readonly Reading[]>

/** Measures every arm once per round, in a new random order each time. */
export async function inTurn(
  arms: readonly Arm[],
  { rounds, random, signal }: BenchPlan,
): Promise<Readings> {
  const found = new Map(arms.map(({ name }): [string, Reading[]] => [name, []]))
  for (let round = 0; round < rounds; round += 1) {
    const order = arms.map((arm) => ({ arm, at: random() })).sort((a, b) => a.at - b.at)
    for (const { arm } of order) {
      signal.throwIfAborted()
      found.get(arm.name)?.push(await arm.measure())
    }
  }
  return found
}

/** One number of an arm, round by round; empty for an arm that was left out. */
export function valuesOf(found: Readings, arm: string, number: string): readonly number[] {
  return (found.get(arm) ?? []).map((reading) => {
    const value = reading[number]
    if (value === undefined) throw new Error(`${arm} has no ${number}`)
    return value
  })
}

/** One arm's number as a multiple of another's, round by round. */
export function ratios(
  found: Readings,
  number: string,
  [arm, other]: readonly [string, string],
): readonly number[] {
  const theirs = valuesOf(found, other, number)
  return valuesOf(found, arm, number)
    .slice(0, theirs.length)
    .map((value, round) => value / (theirs[round] ?? NaN))
}

/** `0.98 (0.95 to 1.01)`: median and range. */
export function spread(values: readonly number[], digits: number): string {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return `${median(values).toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`
}

/** Prints one line per arm: median and range of each of these numbers, as far as the arm has it. */
export function tell(
  title: string,
  found: Readings,
  columns: readonly { readonly number: string; readonly title: string; readonly digits: number }[],
): void {
  console.log(`\n${title}`)
  const wide = 30
  console.log(`  ${''.padEnd(34)}${columns.map((column) => column.title.padEnd(wide)).join('')}`)
  for (const [name, readings] of found) {
    const cells = columns.map(({ number, digits }) =>
      readings.every((reading) => reading[number] !== undefined)
        ? spread(valuesOf(found, name, number), digits).padEnd(wide)
        : ''.padEnd(wide),
    )
    console.log(`  ${name.padEnd(34)}${cells.join('')}`.trimEnd())
  }
}
