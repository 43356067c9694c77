import { performance, PerformanceObserver } from 'node:perf_hooks'
import { recorder } from '../measure/histogram.ts'
import type { LoadJob, LoadResult } from '../model/load.ts'

/** Rules by which a trial is refused; declared here, before any run, and blind to the arm. */
const rules = {
  /** The schedule was kept: 99 of 100 requests (90 where samples are few) left within this time of when they were due. */
  lagUs: 1_000,
  /** The generator had time left (open loop). */
  utilization: 0.8,
  /** The rate was held. */
  rateError: 0.01,
  /** Little's law: mean in flight, sampled independently, = rate x mean time from send to last byte. */
  littleError: 0.2,
  /** Differences below this many requests are noise of the sampling. */
  littleLeast: 1,
} as const

/** Counts what happens in the measured window of one trial. */
export interface Window {
  /** A request was due in the window. */
  scheduled(): void
  sent(intendedMs: number, sentMs: number): void
  completed(intendedMs: number, sentMs: number, doneMs: number): void
  failed(why: string): void
  /** A stranger answered: nothing of this trial may be used. */
  foreign(detail: string): void
  overflowed(): void
  /** The generator waited awake: time that it had to spare. */
  polled(idleMs: number): void
  readonly isStopped: boolean
  inFlight: number
  begin(): void
  /** The window is over; requests under way may still finish. */
  end(): void
  result(tool: string): LoadResult
}

export function measuredWindow(job: LoadJob): Window {
  const response = recorder()
  const service = recorder()
  const lag = recorder()
  const failures = new Map<string, number>()
  const invalid = new Set<string>()
  let scheduled = 0
  let completed = 0
  let completedInside = 0
  let beganMs: number | undefined
  let endedMs = Infinity
  let stopped = false
  let samples = 0
  let sampledInFlight = 0
  let sampler: NodeJS.Timeout | undefined
  let cpu = process.cpuUsage()
  let loop = performance.eventLoopUtilization()
  let usedCpuUs = 0
  let utilization = 0
  let gcMs = 0
  let polledMs = 0
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) gcMs += entry.duration
  })
  const window: Window = {
    inFlight: 0,
    get isStopped() {
      return stopped
    },
    scheduled: () => {
      scheduled += 1
    },
    sent: (intendedMs, sentMs) => {
      lag.record((sentMs - intendedMs) * 1000)
    },
    completed: (intendedMs, sentMs, doneMs) => {
      completed += 1
      if (doneMs <= endedMs) completedInside += 1
      response.record((doneMs - intendedMs) * 1000)
      service.record((doneMs - sentMs) * 1000)
    },
    failed: (why) => {
      failures.set(why, (failures.get(why) ?? 0) + 1)
    },
    foreign: (detail) => {
      stopped = true
      window.failed('foreign-answer')
      invalid.add(`foreign answer: ${detail}`)
    },
    overflowed: () => {
      stopped = true
      invalid.add(`more than ${maxInFlight(job)} requests in flight`)
    },
    polled: (idleMs) => {
      polledMs += idleMs
    },
    begin: () => {
      polledMs = 0
      beganMs = performance.now()
      cpu = process.cpuUsage()
      loop = performance.eventLoopUtilization()
      gcMs = 0
      observer.observe({ entryTypes: ['gc'] })
      sampler = setInterval(() => {
        samples += 1
        sampledInFlight += window.inFlight
      }, 5)
    },
    end: () => {
      endedMs = performance.now()
      clearInterval(sampler)
      observer.disconnect()
      const used = process.cpuUsage(cpu)
      usedCpuUs = used.user + used.system
      const { active, idle } = performance.eventLoopUtilization(loop)
      utilization = Math.max(0, active - polledMs) / Math.max(1, active + idle)
    },
    result: (tool) => {
      const windowMs = beganMs === undefined ? 0 : endedMs - beganMs
      const achievedRps = windowMs === 0 ? 0 : (completedInside / windowMs) * 1000
      const summaries = {
        response: response.summary(),
        service: service.summary(),
        lag: lag.summary(),
      }
      const meanInFlight = samples === 0 ? 0 : sampledInFlight / samples
      const found = { scheduled, completed, windowMs, achievedRps, meanInFlight, ...summaries }
      return {
        ...found,
        failures: Object.fromEntries(failures),
        generator: { cpuUs: usedCpuUs, eventLoopUtilization: utilization, gcMs, tool },
        invalid: [...invalid, ...judge(job, found, utilization, failures)],
      }
    },
  }
  return window
}

type Found = Pick<
  LoadResult,
  'scheduled' | 'completed' | 'windowMs' | 'meanInFlight' | 'service' | 'lag'
>

function judge(
  job: LoadJob,
  found: Found,
  utilization: number,
  failures: ReadonlyMap<string, number>,
): readonly string[] {
  const reasons: string[] = []
  if (found.completed === 0) reasons.push('no request was answered')
  for (const [why, count] of failures)
    if (why !== 'foreign-answer') reasons.push(`${count} requests failed: ${why}`)
  if (job.profile.kind === 'closed-loop') return reasons
  const { lag, scheduled, windowMs, meanInFlight, service } = found
  const [share, lagUs] =
    lag.p99Us === undefined ? ([90, lag.p90Us ?? lag.maxUs] as const) : ([99, lag.p99Us] as const)
  if (lagUs > rules.lagUs)
    reasons.push(
      `the schedule was not kept: ${share} of 100 requests left up to ${Math.round(lagUs)} µs late, want ${rules.lagUs} at most`,
    )
  if (utilization > rules.utilization)
    reasons.push(
      `the generator was busy for ${Math.round(utilization * 100)} % of the time, want ${rules.utilization * 100} % at most`,
    )
  if (found.completed < scheduled * (1 - rules.rateError))
    reasons.push(`${found.completed} of ${scheduled} requests were answered, want 99 of 100`)
  const expected = ((found.completed / windowMs) * service.meanUs) / 1000
  if (
    Math.abs(meanInFlight - expected) >
    Math.max(rules.littleLeast, rules.littleError * Math.max(meanInFlight, expected))
  )
    reasons.push(
      `Little's law does not hold: ${meanInFlight.toFixed(2)} in flight, ${expected.toFixed(2)} by rate and time`,
    )
  return reasons
}

function maxInFlight({ profile }: LoadJob): number {
  return profile.kind === 'open-loop' ? profile.maxInFlight : profile.concurrency
}
