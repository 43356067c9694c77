import type { LoadJob, LoadResult } from '../model/load.ts'
import type { InFlightMean } from './in-flight.ts'
import { ownFailures } from './outcome.ts'

/** Rules by which a trial is refused; declared here, before any run, and blind to the arm. */
const rules = {
  /** The schedule was kept: of 100 requests so many may leave later than `lateUs`; more where samples are few. */
  late: { of100: 1, of100WhenFew: 10, fewBelow: 5_000 },
  /** The generator had time left (open loop). */
  utilization: 0.8,
  /** The rate was held: this share of requests may go without an answer, or be left over at the end. */
  rateError: 0.01,
  /** Little's law: mean in flight, sampled independently, = rate x mean time from start to last byte. */
  littleError: 0.05,
  /** And so much more is the sampling's own noise: standard errors, and requests. */
  littleErrors: 5,
  littleLeast: 0.5,
} as const

/** A request that leaves this long after it was due, in microseconds, is late. */
export const lateUs = 1_000

/** What the rules are applied to. */
export type Found = Omit<LoadResult, 'invalid' | 'meanInFlight'> & {
  readonly inFlight: InFlightMean
  /** Mean time from the actual start to the last byte, waiting for a free connection included. */
  readonly meanStartedUs: number
  /** Answers that came inside the window, whenever their requests started. */
  readonly answersInside: number
  /** Requests in flight at the window's end, less those at its start. */
  readonly backlog: number
  /** Requests that left late. */
  readonly late: number
}

/** Why a result must not be used; nothing for a valid one. */
export function reasonsAgainst({ profile }: LoadJob, found: Found): readonly string[] {
  // why: in a closed loop the clients themselves set rate and requests in flight; and what a client does between an
  // answer and its next request (closing a connection) is in flight for nobody
  if (profile.kind === 'closed-loop') return [...failures(found)]
  // why: the generator's own faults first: a schedule that was not kept makes requests fail, too
  return [...schedule(found), ...failures(found), ...rate(found), ...little(found)]
}

function* failures(found: Found): Generator<string> {
  if (found.completed === 0) yield 'no request was answered'
  for (const [why, count] of Object.entries(found.failures))
    if (ownFailures.has(why)) yield `the generator's machine ran out: ${count} requests had ${why}`
  const failed = Object.values(found.failures).reduce((sum, count) => sum + count, 0)
  if (failed > found.scheduled * rules.rateError)
    yield `${failed} of ${found.scheduled} requests failed, want 1 of 100 at most: ${Object.keys(found.failures).join(', ')}`
}

function* schedule({ scheduled, late, generator }: Found): Generator<string> {
  const { of100, of100WhenFew, fewBelow } = rules.late
  const most = scheduled < fewBelow ? of100WhenFew : of100
  if (late > (scheduled * most) / 100)
    yield `the schedule was not kept: ${late} of ${scheduled} requests left more than ${lateUs} µs late, want ${most} of 100 at most`
  const { eventLoopUtilization } = generator
  if (eventLoopUtilization > rules.utilization)
    yield `the generator was busy for ${Math.round(eventLoopUtilization * 100)} % of the time, want ${rules.utilization * 100} % at most`
}

function* rate({ scheduled, backlog, inFlight }: Found): Generator<string> {
  // why: of a steady load, the difference of two momentary counts has this spread (Poisson)
  const noise = 4 * Math.sqrt(2 * Math.max(1, inFlight.mean))
  if (backlog > scheduled * rules.rateError + noise)
    yield `the rate was not held: ${backlog} more of ${scheduled} requests were unanswered at the end than at the start`
}

function* little({ answersInside, windowMs, meanStartedUs, inFlight }: Found): Generator<string> {
  if (windowMs === 0) return
  const expected = ((answersInside / windowMs) * meanStartedUs) / 1000
  const tolerated =
    rules.littleError * Math.max(inFlight.mean, expected) +
    Math.max(rules.littleLeast, rules.littleErrors * inFlight.standardError)
  if (Math.abs(inFlight.mean - expected) > tolerated)
    yield `Little's law does not hold: ${inFlight.mean.toFixed(2)} in flight, ${expected.toFixed(2)} by rate and time`
}
