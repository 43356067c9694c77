import { LoadError } from '../model/errors.ts'
import type { SecondOpinion } from '../model/second-opinion.ts'
import { type K6Counts, k6Counts, type K6Ended } from './k6-summary.ts'
import { mixedQuantile } from './mixed-quantile.ts'

/** Samples that have to lie beyond a quantile before it is told (measurement.md, 2.5). */
const samplesBeyond = 50

export interface K6Job {
  /** Path of scenarios/k6/service-http.ts, where k6 runs. */
  readonly script: string
  readonly url: string
  /** Value of the Host header, where the URL holds an address. */
  readonly host?: string
  /** Of the body that every answer has to have, hexadecimal. */
  readonly sha256?: string
  /** Requests per second, of all nodes together, 1 to 100 000. */
  readonly rateRps: number
  /** 1 to 600. */
  readonly seconds: number
  /** Programs that share the rate; 1 when absent. */
  readonly programs?: number
  /**
   * Where its own API listens. It waits then until it is started there (k6-start.ts), so that several start at once.
   */
  readonly startedAt?: string
}

/** One of the programs of a job. */
export interface K6Program {
  readonly node: string
  /** What `k6 version` printed. */
  readonly version: string
  readonly ended: K6Ended
}

/** The command that runs a job, the same on every node. @throws LoadError 'invalid-job' */
export function k6Command(job: K6Job): readonly string[] {
  const { script, url, host, sha256, rateRps, seconds, programs = 1, startedAt } = job
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
    // why: k6 takes whole rates only, so a third of 500 per second is 500 per 3 seconds
    MESHMARK_TIME_UNIT: `${programs}s`,
    MESHMARK_DURATION: `${seconds}s`,
    ...(host !== undefined && { MESHMARK_HOST: host }),
    ...(sha256 !== undefined && { MESHMARK_SHA256: sha256 }),
  }
  return [
    ...['k6', 'run', '--quiet', '--no-usage-report', '--no-color', '--log-output', 'stderr'],
    // why: any free port for its own API, so that two runs do not disturb each other
    ...['--address', startedAt ?? '127.0.0.1:0'],
    ...(startedAt === undefined ? [] : ['--paused']),
    ...Object.entries(values).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    script,
  ]
}

/**
 * One opinion of all programs of a job: counts summed, quantiles of all samples together. Invalid when one of them is;
 * where there are several, each reason names its node.
 * @throws LoadError 'program-failed' when none of them ran to its end
 */
export function k6Opinion(
  { rateRps, seconds }: Pick<K6Job, 'rateRps' | 'seconds'>,
  programs: readonly K6Program[],
): Omit<SecondOpinion, 'asked'> {
  const wanted = Math.floor((rateRps * seconds) / programs.length)
  const failures: unknown[] = []
  const parts = programs.map(({ node, ended }): Part => {
    try {
      return { node, counts: k6Counts(ended, wanted) }
    } catch (error) {
      failures.push(error)
      return { node, broke: error instanceof Error ? error.message : String(error) }
    }
  })
  if (failures.length === programs.length) throw failures[0]
  const counts = parts.flatMap((part) => (part.counts === undefined ? [] : [part.counts]))
  const sum = (of: (one: K6Counts) => number): number =>
    counts.reduce((total, one) => total + of(one), 0)
  const count = sum(({ times }) => times.count)
  const quantile = (name: string, share: number): Record<string, number> => {
    const ms = mixedQuantile(
      share,
      counts.map(({ times }) => times),
    )
    return ms !== undefined && count * (1 - share) >= samplesBeyond
      ? { [name]: Math.round(ms * 1_000) }
      : {}
  }
  return {
    tool: `k6 ${[...new Set(programs.map(versionOf))].join(', ')}`,
    ...(programs.length > 1 && { nodes: programs.map(({ node }) => node) }),
    rateRps,
    windowMs: Math.max(...counts.map(({ windowMs }) => windowMs)),
    count,
    achievedRps: count / seconds,
    failed: sum(({ failed }) => failed),
    dropped: sum(({ dropped }) => dropped),
    ...quantile('p50Us', 0.5),
    ...quantile('p90Us', 0.9),
    ...quantile('p99Us', 0.99),
    ...quantile('p999Us', 0.999),
    invalid: parts.flatMap(({ node, counts: own, broke }) =>
      [...(own?.invalid ?? []), ...(broke === undefined ? [] : [broke])].map((why) =>
        programs.length === 1 ? why : `on ${node}, ${why}`,
      ),
    ),
  }
}

interface Part {
  readonly node: string
  readonly counts?: K6Counts
  readonly broke?: string
}

function versionOf({ version }: K6Program): string {
  return /\b(v\d+\.\d+\.\d+\S*)/.exec(version)?.[1] ?? 'of an unknown version'
}
