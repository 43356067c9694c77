import { quantileUs } from '../../measure/histogram.ts'
import type { LoadResult } from '../../model/load.ts'
import { type Attempt, type Check, check, percent, type Plan, tailDisturbed } from './check.ts'
import { milliseconds, perSecond } from './figures.ts'
import {
  type Kind,
  kinds,
  kindTitles,
  measure,
  type Measured,
  type Served,
  type Stage,
} from './stage.ts'

/** Where the search for the maximum starts; each step doubles it. */
const firstRps: Readonly<Record<Kind, number>> = { http: 8_000, 'http-connect': 1_000, dns: 8_000 }

/** A generator that does less than this share of what it was told is beyond its maximum. */
const heldRatio = 0.95

/** No more steps than these: a generator of a million requests per second is not what we look for. */
const mostSteps = 8

/** So many may be in flight: here it is the other rules that have to notice. */
const maxInFlight = 100_000

/** Schedule lag at half of the maximum (issue: lag p99 <= 1 ms). */
const mostLagUs = 1_000

/** The rate has to be held to this share. */
const rateTolerance = 0.01

/** What can each generator do, how well does it keep its schedule at half of that, and does it say so beyond? */
export async function* limits(stage: Stage, plan: Plan): AsyncGenerator<Check> {
  for (const kind of kinds) {
    await using server = await stage.serve({ for: kind })
    const { check: found, maximumRps } = await maximum(stage, { kind, server }, plan)
    yield found
    yield await atHalf(stage, { kind, server, rateRps: maximumRps / 2 }, plan)
    yield await beyond(stage, { kind, server, rateRps: maximumRps * 2 }, plan)
  }
}

interface Asked {
  readonly kind: Kind
  readonly server: Served
}

interface AskedRate extends Asked {
  readonly rateRps: number
}

/** Doubles the rate until it is not held. A machine that is busy makes it small, never large. */
async function maximum(
  stage: Stage,
  { kind, server }: Asked,
  plan: Plan,
): Promise<{ readonly check: Check; readonly maximumRps: number }> {
  let maximumRps = 0
  let goesOn = true
  const measured: Measured[] = []
  for (let step = 0; goesOn && step < mostSteps; step += 1) {
    const rateRps = firstRps[kind] * 2 ** step
    const one = await offered(stage, server, { rateRps, durationMs: 500 }, plan)
    measured.push(one)
    maximumRps = Math.max(maximumRps, one.result.achievedRps)
    goesOn = isHeld(one.result)
  }
  const disturbance = measured.at(-1)?.disturbance ?? { waitedRatio: NaN, stealRatio: NaN }
  const subject = {
    id: `limits/${kind}/maximum`,
    section: 'limits',
    title: `${kindTitles[kind]}, maximum rate of the generator`,
    wanted: 'told',
  } as const
  const attempt: Attempt = {
    isOk: maximumRps > 0,
    seen: `${perSecond(maximumRps)}${disturbance.waitedRatio > tailDisturbed ? ` at least: ${percent(disturbance.waitedRatio)} of the time was others'` : ''}`,
    numbers: { maximumRps, waitedRatio: disturbance.waitedRatio },
    invalid: [],
    disturbance,
  }
  return { check: await check(subject, () => Promise.resolve(attempt), plan), maximumRps }
}

function atHalf(stage: Stage, { kind, server, rateRps }: AskedRate, plan: Plan): Promise<Check> {
  const subject = {
    id: `limits/${kind}/half`,
    section: 'limits',
    title: `${kindTitles[kind]}, at half of that`,
    wanted: 'rate within 1 %, lag p99 <= 1 ms, valid',
  } as const
  const attempt = async (): Promise<Attempt> => {
    const durationMs = plan.isQuick ? 1_000 : 2_000
    const { result, disturbance } = await offered(stage, server, { rateRps, durationMs }, plan)
    return { ...judgeHalf(result), invalid: result.invalid, disturbance }
  }
  return check(subject, attempt, plan, tailDisturbed)
}

/** Judges a trial at half of the generator's maximum. */
export function judgeHalf(result: LoadResult): Pick<Attempt, 'isOk' | 'seen' | 'numbers'> {
  const offeredRate = offeredRps(result)
  const lagP50Us = quantileUs(result.lag, 50)
  const lagP99Us = quantileUs(result.lag, 99)
  const isKept = Math.abs(result.achievedRps / offeredRate - 1) <= rateTolerance
  return {
    isOk: isKept && lagP99Us <= mostLagUs,
    seen: `${perSecond(result.achievedRps)} of ${perSecond(offeredRate)}, lag p50 ${milliseconds(lagP50Us)}, p99 ${milliseconds(lagP99Us)}`,
    numbers: { achievedRps: result.achievedRps, offeredRps: offeredRate, lagP50Us, lagP99Us },
  }
}

function beyond(stage: Stage, { kind, server, rateRps }: AskedRate, plan: Plan): Promise<Check> {
  const subject = {
    id: `limits/${kind}/beyond`,
    section: 'limits',
    title: `${kindTitles[kind]}, beyond that`,
    wanted: 'refused as invalid',
  } as const
  let beyondRps = rateRps
  const attempt = async (): Promise<Attempt> => {
    let one = await offered(stage, server, { rateRps: beyondRps, durationMs: 800 }, plan)
    // why: on a busy machine the maximum that was found may be no maximum
    for (
      let step = 0;
      one.result.invalid.length === 0 && isHeld(one.result) && step < mostSteps;
      step += 1
    ) {
      beyondRps *= 2
      one = await offered(stage, server, { rateRps: beyondRps, durationMs: 800 }, plan)
    }
    return { ...judgeBeyond(one.result), invalid: [], disturbance: one.disturbance }
  }
  return check(subject, attempt, plan)
}

/** A rate that is out of reach must be refused: reported, it would make the target look slow. */
export function judgeBeyond({
  invalid,
  achievedRps,
}: Pick<LoadResult, 'invalid' | 'achievedRps'>): Omit<Attempt, 'invalid' | 'disturbance'> {
  const [first] = invalid
  return {
    isOk: first !== undefined,
    isImpossible: first === undefined,
    seen: first ?? `accepted, with ${perSecond(achievedRps)}`,
    numbers: { achievedRps, reasons: invalid.length },
  }
}

function offered(
  stage: Stage,
  server: Served,
  { rateRps, durationMs }: { readonly rateRps: number; readonly durationMs: number },
  plan: Plan,
): Promise<Measured> {
  const profile = { kind: 'open-loop', rateRps: Math.max(1, rateRps), maxInFlight } as const
  return measure(stage, server, { profile, durationMs, ...plan })
}

function isHeld(result: LoadResult): boolean {
  return result.achievedRps >= heldRatio * offeredRps(result)
}

/** What the schedule held in truth: Poisson arrivals scatter around their rate. */
function offeredRps({ scheduled, windowMs }: LoadResult): number {
  return (scheduled / windowMs) * 1_000
}
