import type { AbortOptions } from '../../model/abort.ts'

/** Parts of `bench doctor`, in the order in which they run. */
export const sections = ['known-delay', 'stall', 'limits', 'cross-check', 'resolution'] as const

/** `positive-control` runs when it is asked for. */
export type Section = (typeof sections)[number] | 'positive-control'

/**
 * `failed`: off its tolerance twice while nothing disturbed it, or could have, so the fault is ours. `unclear`: off, but the machine
 * was busy with something else. `skipped`: what it needs is not here.
 */
export type CheckVerdict = 'ok' | 'failed' | 'unclear' | 'skipped'

/** One thing that was checked. */
export interface Check {
  /** Stable: `known-delay/http/5ms`. */
  readonly id: string
  readonly section: Section
  readonly title: string
  readonly verdict: CheckVerdict
  /** What it had to be. */
  readonly wanted: string
  /** What was measured; for a skipped one, what is missing. */
  readonly seen: string
  /** The same as numbers, units in their names. */
  readonly numbers: Readonly<Record<string, number>>
  /** What speaks against it: rules that the trial broke, what disturbed it. */
  readonly reasons: readonly string[]
  /** How often it was measured. */
  readonly tries: number
  /** What brings what is missing. */
  readonly cure?: string
}

/** What kept our programs from running while something was measured. */
export interface Disturbance {
  /** The longest of them waited for a CPU for this share of the time, 0 to 1; NaN where the kernel does not tell. */
  readonly waitedRatio: number
  /** Share that the machine below took away, 0 to 1. */
  readonly stealRatio: number
}

/** One measurement of what is checked. */
export interface Attempt {
  /** Within tolerance. */
  readonly isOk: boolean
  /** Off in a way that no neighbour explains: they make everything slower, nothing faster. */
  readonly isImpossible?: boolean
  readonly seen: string
  readonly numbers: Readonly<Record<string, number>>
  /** Why the trial must not be used, by the generator's own rules: then it is not good, whatever it says. */
  readonly invalid: readonly string[]
  readonly disturbance: Disturbance
}

export type CheckSubject = Pick<Check, 'id' | 'section' | 'title' | 'wanted'>

/** A share of the time that moves no median. */
export const mostDisturbed = 0.02

/** Who waits for a CPU for 1 % of the time sends 1 % late, which is a p99, and what makes a long trial invalid. */
export const tailDisturbed = 0.005

/** Offences while nothing disturbed that make a failure: once may be chance. */
const offencesOfAFailure = 2

const mostTries = 3

/** Time for measurements that are made again, in all: a busy machine must not make the command endless. */
export interface Retries {
  leftMs: number
}

/** What every part is told. */
export interface Plan extends AbortOptions {
  readonly seed: number
  /** Shorter windows and fewer rounds: says less. */
  readonly isQuick: boolean
  readonly retries: Retries
}

/** Measures until it is within tolerance, or surely not, or there is no more time for it. */
export async function check(
  subject: CheckSubject,
  measure: () => Promise<Attempt>,
  { retries }: Pick<Plan, 'retries'>,
  disturbedRatio: number = mostDisturbed,
): Promise<Check> {
  const attempts: Attempt[] = []
  for (;;) {
    const beganMs = performance.now()
    attempts.push(await measure())
    const tookMs = performance.now() - beganMs
    if (attempts.length > 1) retries.leftMs -= tookMs
    const made = settle(subject, attempts, disturbedRatio)
    if (made.verdict !== 'unclear' || attempts.length >= mostTries || retries.leftMs < tookMs)
      return made
  }
}

/** What attempts come to: a single good one outweighs what a busy machine did to the others. */
export function settle(
  subject: CheckSubject,
  attempts: readonly Attempt[],
  disturbedRatio: number = mostDisturbed,
): Check {
  const isOurs = ({ disturbance, isImpossible = false }: Attempt): boolean =>
    isImpossible || !isDisturbed(disturbance, disturbedRatio)
  const isGood = ({ isOk, invalid }: Attempt): boolean => isOk && invalid.length === 0
  const good = attempts.find(isGood)
  const offences = attempts.filter((one) => !isGood(one) && isOurs(one))
  const told = good ?? offences.at(-1) ?? attempts.at(-1)
  const verdict =
    good !== undefined ? 'ok' : offences.length >= offencesOfAFailure ? 'failed' : 'unclear'
  return {
    ...subject,
    verdict,
    seen: told?.seen ?? 'nothing',
    numbers: told?.numbers ?? {},
    reasons:
      verdict === 'ok' || told === undefined
        ? []
        : [...told.invalid, ...disturbances(told.disturbance, disturbedRatio)],
    tries: attempts.length,
  }
}

/** Unknown is no excuse: where the kernel tells nothing, what is off counts. */
export function isDisturbed(
  { waitedRatio, stealRatio }: Disturbance,
  disturbedRatio: number = mostDisturbed,
): boolean {
  return waitedRatio > disturbedRatio || stealRatio > disturbedRatio
}

function* disturbances(
  { waitedRatio, stealRatio }: Disturbance,
  disturbedRatio: number,
): Generator<string> {
  if (waitedRatio > disturbedRatio)
    yield `our programs waited for a CPU for ${percent(waitedRatio)} of the time`
  if (stealRatio > disturbedRatio)
    yield `the machine below took ${percent(stealRatio)} of the time away`
}

export function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(ratio < 0.1 ? 1 : 0)} %`
}

/** Something that cannot be checked here. */
export function skipped(subject: CheckSubject, missing: string, cure: string): Check {
  return { ...subject, verdict: 'skipped', seen: missing, numbers: {}, reasons: [], tries: 0, cure }
}

/** Exit code: 1 when a check of ours failed, 3 when one could not be told, 0 otherwise. */
export function exitCodeOf(checks: readonly Check[]): 0 | 1 | 3 {
  const has = (verdict: CheckVerdict): boolean => checks.some((one) => one.verdict === verdict)
  return has('failed') ? 1 : has('unclear') ? 3 : 0
}
