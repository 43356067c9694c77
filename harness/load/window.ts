import { recorder } from '../measure/histogram.ts'
import type { LoadJob, LoadResult } from '../model/load.ts'
import { generatorHealth } from './health.ts'
import { inFlightMeter } from './in-flight.ts'
import { type Outcome, timedOut } from './outcome.ts'
import { lateUs, reasonsAgainst } from './validity.ts'

/** A request under way, and the times that its latency counts from, in milliseconds of `performance.now()`. */
export interface Started {
  /** When it was due. In a closed loop, when it was sent. */
  readonly intendedMs: number
  /** When the generator took it up. */
  readonly startedMs: number
  /** When it was sent: later than `startedMs` when it waited for a free connection. */
  sentMs: number
  /** It was due, or in a closed loop sent, inside the measured window. */
  readonly counts: boolean
}

/** Counts what happens in the measured window of one trial; the warm-up runs through it uncounted. */
export interface Window {
  /** Takes up a request that is due; undefined when there are too many in flight, which ends the trial. */
  start(intendedMs: number): Started
  done(request: Started, outcome: Outcome): void
  /** Something failed that belongs to no request in particular, like a connection. */
  failed(why: string): void
  /** A stranger answered: nothing of this trial may be used. */
  foreign(detail: string): void
  /** A request that is given up at the end: its true time is longer than the time it was waited for. */
  abandon(request: Started): void
  /** The generator waited awake: time that it had to spare. */
  polled(idleMs: number): void
  /** Everything that was done, counted: changes with every start and answer. */
  readonly activity: number
  readonly inFlight: number
  /** The trial cannot become valid any more. */
  readonly isStopped: boolean
  begin(): void
  /** The window is over; requests under way may still finish. */
  end(): void
  result(tool: string): LoadResult
}

/** The warm-up may have this many times the requests in flight: a cold target stalls. */
const warmupLeeway = 10

export interface WindowInit {
  /** Told of every answer, in the warm-up too. */
  readonly onAnswer?: (responseUs: number, nowMs: number) => void
  /** Told when the measured window begins. */
  readonly onBegin?: () => void
}

export function measuredWindow(job: LoadJob, { onAnswer, onBegin }: WindowInit = {}): Window {
  const response = recorder()
  const service = recorder()
  const lag = recorder()
  const failures = new Map<string, number>()
  const invalid = new Set<string>()
  const health = generatorHealth()
  const inFlight = inFlightMeter()
  const isOpen = job.profile.kind === 'open-loop'
  const most = isOpen && 'maxInFlight' in job.profile ? job.profile.maxInFlight : Infinity
  let phase: 'before' | 'inside' | 'after' = 'before'
  let beganMs = 0
  let endedMs = 0
  let atBegin = 0
  let backlog = 0
  let late = 0
  let scheduled = 0
  let completed = 0
  let answersInside = 0
  let startedSumUs = 0
  let activity = 0

  const fail = (why: string): void => {
    failures.set(why, (failures.get(why) ?? 0) + 1)
  }
  const foreign = (detail: string): void => {
    fail('foreign-answer')
    invalid.add(`foreign answer: ${detail}`)
  }
  const record = ({ intendedMs, sentMs }: Started, nowMs: number): void => {
    response.record((nowMs - intendedMs) * 1000)
    service.record((nowMs - (sentMs === 0 ? intendedMs : sentMs)) * 1000)
  }
  return {
    get activity() {
      return activity
    },
    get inFlight() {
      return inFlight.now
    },
    get isStopped() {
      return invalid.size > 0
    },
    polled: (idleMs) => {
      health.polled(idleMs)
    },
    foreign,
    failed: (why) => {
      if (phase === 'inside') fail(why)
    },
    start: (intendedMs) => {
      const counts = phase === 'inside'
      const startedMs = performance.now()
      activity += 1
      inFlight.change(1)
      if (inFlight.now > most * (counts ? 1 : warmupLeeway))
        invalid.add(`more than ${most} requests in flight`)
      if (counts) {
        scheduled += 1
        const lagUs = (startedMs - intendedMs) * 1000
        if (isOpen) lag.record(lagUs)
        if (isOpen && lagUs > lateUs) late += 1
      }
      return { intendedMs, startedMs, sentMs: 0, counts }
    },
    done: (request, outcome) => {
      const nowMs = performance.now()
      activity += 1
      inFlight.change(-1)
      if (outcome.kind === 'foreign') {
        foreign(outcome.detail)
        return
      }
      if (outcome.kind === 'failed') {
        if (!request.counts) return
        fail(outcome.why)
        // why: it would have taken longer still; left out, the slowest requests would be missing from the quantiles
        if (outcome.why === timedOut) record(request, nowMs)
        return
      }
      if (phase === 'inside') answersInside += 1
      onAnswer?.((nowMs - request.intendedMs) * 1000, nowMs)
      if (!request.counts) return
      completed += 1
      startedSumUs += (nowMs - request.startedMs) * 1000
      record(request, nowMs)
    },
    abandon: (request) => {
      inFlight.change(-1)
      if (!request.counts) return
      fail(timedOut)
      record(request, performance.now())
    },
    begin: () => {
      phase = 'inside'
      beganMs = performance.now()
      atBegin = inFlight.now
      health.begin()
      inFlight.begin()
      onBegin?.()
    },
    end: () => {
      if (phase !== 'inside') return
      phase = 'after'
      endedMs = performance.now()
      backlog = inFlight.now - atBegin
      inFlight.end()
      health.end()
    },
    result: (tool) => {
      const windowMs = endedMs - beganMs
      const { cpuUs, utilization, gcMs } = health.used
      const found = {
        scheduled,
        completed,
        failures: Object.fromEntries(failures),
        windowMs,
        achievedRps: windowMs === 0 ? 0 : (answersInside / windowMs) * 1000,
        response: response.summary(),
        service: service.summary(),
        lag: lag.summary(),
        generator: { cpuUs, eventLoopUtilization: utilization, gcMs, tool },
      }
      const { mean, standardError } = inFlight.found
      const judged = {
        ...found,
        inFlight: { mean, standardError },
        meanStartedUs: completed === 0 ? 0 : startedSumUs / completed,
        answersInside,
        backlog,
        late,
      }
      // why: a trial that was stopped has its reason, and is too short for the other rules
      const reasons = invalid.size > 0 ? [...invalid] : reasonsAgainst(job, judged)
      return { ...found, meanInFlight: mean, invalid: reasons }
    },
  }
}
