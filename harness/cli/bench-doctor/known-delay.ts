import { quantileUs } from '../../measure/histogram.ts'
import { median } from '../../measure/quantile.ts'
import { type Attempt, type Check, check, type Plan } from './check.ts'
import { milliseconds } from './figures.ts'
import { type Kind, kinds, kindTitles, measure, type Stage } from './stage.ts'

/** Milliseconds that answers are held (measurement.md 2.7). */
const delaysMs = [0, 1, 5, 20, 100] as const

/** How far a median may be off: the larger one of microseconds and share. */
const tolerance = { us: 150, ratio: 0.03 } as const

const rateRps = 250

/** Twice what is in flight at that rate when each answer takes 100 ms: nobody waits for a free one. */
const connections = 50

/**
 * Is what we measure what happened? Servers hold each answer and say for how long; the median has to tell the same, once
 * the way itself (that of a server that holds nothing) is taken off.
 */
export async function* knownDelay(stage: Stage, plan: Plan): AsyncGenerator<Check> {
  for (const kind of kinds) {
    let wayUs: number | undefined
    for (const delayMs of delaysMs) {
      const made = await delayed(stage, { kind, delayMs, wayUs }, plan)
      if (delayMs === 0) wayUs = made.numbers['errorUs'] ?? NaN
      yield made
    }
  }
}

interface Asked {
  readonly kind: Kind
  readonly delayMs: number
  /** What the way costs, microseconds; undefined while that is what is measured. */
  readonly wayUs: number | undefined
}

function delayed(stage: Stage, { kind, delayMs, wayUs }: Asked, plan: Plan): Promise<Check> {
  const title = `${kindTitles[kind]}, p50`
  const subject = {
    id: `known-delay/${kind}/${delayMs}ms`,
    section: 'known-delay',
    title: wayUs === undefined ? `${title} of the way itself` : `${title} of ${delayMs} ms`,
    wanted: wayUs === undefined ? 'a valid trial' : 'off by <= 0.15 ms or 3 %',
  } as const
  const attempt = async (): Promise<Attempt> => {
    await using server = await stage.serve({ for: kind, holdMs: delayMs })
    const { target, pid } = server
    const roomy = target.kind === 'http' ? { ...target, connections } : target
    const { result, disturbance } = await measure(
      stage,
      { target: roomy, pid },
      {
        profile: { kind: 'open-loop', rateRps, maxInFlight: 1_000 },
        durationMs: plan.isQuick ? 600 : 1_200,
        ...plan,
      },
    )
    const holds = await server.takeHolds()
    const holdUs = holds.length === 0 ? NaN : median(holds) * 1_000
    const p50Us = quantileUs(result.response, 50)
    return { ...judgeDelay({ p50Us, holdUs, wayUs }), invalid: result.invalid, disturbance }
  }
  return check(subject, attempt, plan)
}

export interface DelaySeen {
  readonly p50Us: number
  /** Median of the times for which answers were really held. */
  readonly holdUs: number
  readonly wayUs: number | undefined
}

/** Judges a median against the truth. */
export function judgeDelay({
  p50Us,
  holdUs,
  wayUs,
}: DelaySeen): Omit<Attempt, 'invalid' | 'disturbance'> {
  const errorUs = p50Us - holdUs - (wayUs ?? 0)
  const numbers = { p50Us, holdUs, errorUs }
  if (wayUs === undefined)
    return { isOk: Number.isFinite(errorUs), seen: milliseconds(errorUs), numbers }
  const allowedUs = Math.max(tolerance.us, tolerance.ratio * holdUs)
  return {
    isOk: Math.abs(errorUs) <= allowedUs,
    isImpossible: p50Us < holdUs - allowedUs,
    seen: `${milliseconds(p50Us - wayUs)}, held ${milliseconds(holdUs)}`,
    numbers: { ...numbers, wayUs, allowedUs },
  }
}
