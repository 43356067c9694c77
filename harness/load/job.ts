import type { LoadJob } from '../model/load.ts'

const longestWindowMs = 600_000
const shortestWindowMs = 100

/**
 * Checks a job that came over the wire.
 * @throws RangeError naming the field, its value and the rule
 */
export function parseJob(value: unknown): LoadJob {
  if (typeof value !== 'object' || value === null) throw wrong('job', value, 'an object')
  const job = value as LoadJob
  number(job.durationMs, 'durationMs', shortestWindowMs, longestWindowMs)
  number(job.warmupMs, 'warmupMs', 0, longestWindowMs)
  number(job.seed, 'seed', 0, 0xffff_ffff)
  const { profile, target } = job
  if (profile.kind === 'open-loop') {
    number(profile.rateRps, 'profile.rateRps', 1, 1_000_000)
    number(profile.maxInFlight, 'profile.maxInFlight', 1, 1_000_000)
  } else number(profile.concurrency, 'profile.concurrency', 1, 10_000)
  if (!['http', 'http-connect', 'dns'].includes(target.kind))
    throw wrong('target.kind', target.kind, 'http, http-connect or dns')
  number(target.port, 'target.port', 1, 65_535)
  if (target.kind === 'http') number(target.connections, 'target.connections', 1, 1_000)
  if (target.kind === 'dns' && target.questions.length === 0)
    throw wrong('target.questions', [], 'at least one question')
  return job
}

function number(value: number, field: string, least: number, most: number): void {
  if (typeof value !== 'number' || !(value >= least && value <= most))
    throw wrong(field, value, `a number from ${least} to ${most}`)
}

function wrong(field: string, value: unknown, want: string): RangeError {
  return new RangeError(
    `${field}: got ${value === undefined ? 'nothing' : JSON.stringify(value)}, want ${want}`,
  )
}
