import { z } from 'zod'
import { LoadError } from '../model/errors.ts'
import type { KnownQuantiles } from './mixed-quantile.ts'

/** k6 ends with this when a threshold was crossed: the summary says which. */
export const thresholdsCrossed = 99

/** k6 ends with this when a script calls `exec.test.abort`. */
const abortedByScript = 108

/** How a program ended. */
export interface K6Ended {
  /** Absent where nobody could see it: its pod was taken away. */
  readonly exitCode?: number
  readonly stdout: string
  readonly stderr: string
}

/** What one k6 counted. */
export interface K6Counts {
  readonly windowMs: number
  readonly dropped: number
  readonly failed: number
  /** Of the response times, in milliseconds; its count is that of the requests. */
  readonly times: KnownQuantiles
  /** Why it must not be used; empty for a valid one. */
  readonly invalid: readonly string[]
}

const thresholds = z.record(z.string(), z.object({ ok: z.boolean() })).optional()
const values = z.record(z.string(), z.number())
const metric = z.object({ values, thresholds }).optional()

/** k6's end-of-test summary, as far as it is used (grafana.com/docs/k6, handleSummary). */
const summary = z.object({
  state: z.object({ testRunDurationMs: z.number() }),
  metrics: z.object({
    http_req_duration: metric,
    http_reqs: metric,
    http_req_failed: metric,
    dropped_iterations: metric,
    checks: metric,
  }),
})

/**
 * Reads what k6 said.
 * @param wanted - requests that were to be sent
 * @throws LoadError 'program-failed' when it did not run to its end
 */
export function k6Counts({ exitCode, stdout, stderr }: K6Ended, wanted: number): K6Counts {
  const knownEnds = [0, thresholdsCrossed, abortedByScript]
  const said = summary.safeParse(parsed(stdout))
  if (exitCode === undefined || !knownEnds.includes(exitCode) || !said.success)
    throw new LoadError(
      'program-failed',
      [`k6 ${howEnded(exitCode)}`, ...words(stderr)].join(': '),
      {
        hint: 'run it by hand: k6 run scenarios/k6/service-http.ts',
      },
    )
  const { metrics, state } = said.data
  const count = metrics.http_reqs?.values['count'] ?? 0
  const dropped = metrics.dropped_iterations?.values['count'] ?? 0
  const failed = Math.max(
    metrics.http_req_failed?.values['passes'] ?? 0,
    metrics.checks?.values['fails'] ?? 0,
  )
  const missing = (['http_req_duration', 'http_req_failed', 'checks'] as const).filter(
    (name) => metrics[name] === undefined,
  )
  const crossed = Object.entries(metrics).flatMap(([name, one]) =>
    Object.entries(one?.thresholds ?? {}).flatMap(([rule, { ok }]) =>
      ok ? [] : [`${name}: ${rule}`],
    ),
  )
  const reasons = [
    ...(count === 0 ? ['no request was sent'] : []),
    ...(dropped > 0 ? [`${dropped} iterations were dropped: k6 could not keep the rate`] : []),
    ...(failed > 0 ? [`${failed} requests failed`] : []),
    ...(exitCode === abortedByScript ? ['foreign answer'] : []),
    ...(count > 0 && missing.length > 0 ? [`k6 told nothing of ${missing.join(', ')}`] : []),
  ]
  const others = [
    ...(crossed.length > 0 ? [`thresholds were crossed: ${crossed.join(', ')}`] : []),
    ...(exitCode === thresholdsCrossed && crossed.length === 0 ? ['a threshold was crossed'] : []),
    ...(count < wanted * (1 - rateError) ? [`${count} of ${wanted} requests were sent`] : []),
  ]
  return {
    windowMs: state.testRunDurationMs,
    dropped,
    failed,
    times: { count, quantiles: quantilesOf(metrics.http_req_duration?.values ?? {}) },
    // why: what has a name of its own needs not be told by its consequences
    invalid: reasons.length > 0 ? reasons : others,
  }
}

/** The share of the requests that may not have been sent; as of our own generator. */
const rateError = 0.01

/** `med`, `min`, `max` and every `p(n)` of a trend. */
function quantilesOf(trend: Readonly<Record<string, number>>): KnownQuantiles['quantiles'] {
  const named: Readonly<Record<string, number>> = { min: 0, med: 0.5, max: 1 }
  return Object.entries(trend).flatMap(([name, value]) => {
    const [, percent] = /^p\(([\d.]+)\)$/.exec(name) ?? []
    const share = percent === undefined ? named[name] : Number(percent) / 100
    return share === undefined ? [] : [[share, value] as const]
  })
}

function howEnded(exitCode: number | undefined): string {
  return exitCode === undefined ? 'was stopped' : `ended with exit code ${exitCode}`
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** The end of a log, if there is one. */
function words(stderr: string): readonly string[] {
  const end = stderr.trim().slice(-1_000)
  return end === '' ? [] : [end]
}
