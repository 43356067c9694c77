import { z } from 'zod'
import { LoadError } from '../model/errors.ts'
import type { SecondOpinion } from '../model/second-opinion.ts'

/** Samples that have to lie beyond a quantile before it is told (measurement.md, 2.5). */
const samplesBeyond = 50

/** k6 ends with this when a threshold was crossed: the summary says which. */
const thresholdsCrossed = 99

/** k6 ends with this when a script calls `exec.test.abort`. */
const abortedByScript = 108

export interface K6Job {
  /** Path of scenarios/k6/service-http.ts. */
  readonly script: string
  readonly url: string
  /** Value of the Host header, where the URL holds an address. */
  readonly host?: string
  /** Of the body that every answer has to have, hexadecimal. */
  readonly sha256?: string
  /** Requests per second, 1 to 100 000. */
  readonly rateRps: number
  /** 1 to 600. */
  readonly seconds: number
}

/** How a program ended. */
export interface K6Ended {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** The command that runs a job. @throws LoadError 'invalid-job' */
export function k6Command({
  script,
  url,
  host,
  sha256,
  rateRps,
  seconds,
}: K6Job): readonly string[] {
  if (!(Number.isInteger(rateRps) && rateRps >= 1 && rateRps <= 100_000))
    throw new LoadError(
      'invalid-job',
      `rateRps: got ${rateRps}, want a whole number from 1 to 100000`,
    )
  if (!(Number.isInteger(seconds) && seconds >= 1 && seconds <= 600))
    throw new LoadError('invalid-job', `seconds: got ${seconds}, want a whole number from 1 to 600`)
  const values = {
    MESHMARK_URL: url,
    MESHMARK_RATE: String(rateRps),
    MESHMARK_DURATION: `${seconds}s`,
    ...(host !== undefined && { MESHMARK_HOST: host }),
    ...(sha256 !== undefined && { MESHMARK_SHA256: sha256 }),
  }
  return [
    ...['k6', 'run', '--quiet', '--no-usage-report', '--no-color', '--log-output', 'stderr'],
    // why: any free port for its own API, so that two runs do not disturb each other
    ...['--address', '127.0.0.1:0'],
    ...Object.entries(values).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    script,
  ]
}

/** k6's end-of-test summary, as far as it is used (grafana.com/docs/k6, handleSummary). */
const trend = z.object({
  values: z.object({
    count: z.number(),
    med: z.number(),
    'p(90)': z.number(),
    'p(99)': z.number(),
    'p(99.9)': z.number(),
  }),
})
const counter = z.object({ values: z.object({ count: z.number(), rate: z.number() }) })
const summary = z.object({
  state: z.object({ testRunDurationMs: z.number() }),
  metrics: z.object({
    http_req_duration: trend.optional(),
    http_reqs: counter.optional(),
    http_req_failed: z.object({ values: z.object({ passes: z.number() }) }).optional(),
    dropped_iterations: counter.optional(),
    checks: z.object({ values: z.object({ fails: z.number() }) }).optional(),
  }),
})

/**
 * Reads what k6 said.
 * @param version - what `k6 version` printed
 * @throws LoadError 'program-failed' when it did not run to its end
 */
export function k6Opinion(
  { rateRps, seconds }: Pick<K6Job, 'rateRps' | 'seconds'>,
  version: string,
  { exitCode, stdout, stderr }: K6Ended,
): Omit<SecondOpinion, 'asked'> {
  const knownEnds = [0, thresholdsCrossed, abortedByScript]
  const said = summary.safeParse(parsed(stdout))
  if (!knownEnds.includes(exitCode) || !said.success)
    throw new LoadError('program-failed', `k6 ended with exit code ${exitCode}: ${words(stderr)}`, {
      hint: 'run it by hand: k6 run scenarios/k6/service-http.ts',
    })
  const { metrics, state } = said.data
  const { values } = metrics.http_req_duration ?? {}
  const count = metrics.http_reqs?.values.count ?? 0
  const dropped = metrics.dropped_iterations?.values.count ?? 0
  const failed = Math.max(
    metrics.http_req_failed?.values.passes ?? 0,
    metrics.checks?.values.fails ?? 0,
  )
  const invalid = [
    ...(count === 0 ? ['no request was sent'] : []),
    ...(dropped > 0 ? [`${dropped} iterations were dropped: k6 could not keep the rate`] : []),
    ...(failed > 0 ? [`${failed} requests failed`] : []),
    ...(exitCode === abortedByScript ? ['foreign answer'] : []),
  ]
  const [, tool = 'of an unknown version'] = /\b(v\d+\.\d+\.\d+\S*)/.exec(version) ?? []
  return {
    tool: `k6 ${tool}`,
    rateRps,
    windowMs: state.testRunDurationMs,
    count,
    achievedRps: count / seconds,
    failed,
    dropped,
    ...(values !== undefined && {
      ...quantile('p50Us', 0.5, values.med, count),
      ...quantile('p90Us', 0.9, values['p(90)'], count),
      ...quantile('p99Us', 0.99, values['p(99)'], count),
      ...quantile('p999Us', 0.999, values['p(99.9)'], count),
    }),
    invalid,
  }
}

/** Milliseconds as microseconds, where enough samples lie beyond. */
function quantile(name: string, share: number, ms: number, count: number): Record<string, number> {
  return count * (1 - share) >= samplesBeyond ? { [name]: Math.round(ms * 1_000) } : {}
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** The end of a log; the level's noise before it. */
function words(stderr: string): string {
  return stderr.trim().slice(-1_000)
}
