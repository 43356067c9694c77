import { detectableFactor } from '../../measure/gate/detectable.ts'
import { gateRules } from '../../measure/gate/rule.ts'
import { quantileUs } from '../../measure/histogram.ts'
import { hodgesLehmann, hodgesLehmannInterval } from '../../measure/hodges-lehmann.ts'
import { median } from '../../measure/quantile.ts'
import { randomStream } from '../../measure/random.ts'
import type { LoadProfile } from '../../model/load.ts'
import { type Attempt, type Check, type Disturbance, percent, type Plan, settle } from './check.ts'
import { cpuUs } from './disturbance.ts'
import { connections, type Kind, measure, type Served, type Stage } from './stage.ts'

/** Numbers of a trial that gates compare, by id. */
export const metricTitles = {
  'http-p50': 'HTTP latency (p50)',
  'http-rate': 'HTTP rate',
  'http-cpu': 'CPU per HTTP request',
  'dns-p50': 'DNS latency (p50)',
  'dns-rate': 'DNS rate',
  'dns-cpu': 'CPU per DNS query',
} as const

export type Metric = keyof typeof metricTitles

export const metrics = Object.keys(metricTitles) as readonly Metric[]

/** Logarithms of the second trial over the first, of pairs in which nothing differs. */
export type Sample = Readonly<Record<Metric, readonly number[]>>

/** As many pairs as there is time for: with fewer than the least nothing can be said. */
const pairs = { least: 4, most: 12, quick: 4 } as const

/** The gate's margin: who differs by more from himself is no yardstick. */
const margin = Math.log(1.05)

const controlConfidence = 0.99

interface Asked {
  readonly kind: Kind
  readonly profile: LoadProfile
  readonly durationMs: number
}

/** What the benchmark's questions ask, and a shorter window where a rate is asked for. */
const asked: readonly Asked[] = [
  {
    kind: 'http',
    profile: { kind: 'open-loop', rateRps: 500, maxInFlight: 200 },
    durationMs: 1_200,
  },
  {
    kind: 'dns',
    profile: { kind: 'open-loop', rateRps: 500, maxInFlight: 200 },
    durationMs: 1_200,
  },
  { kind: 'http', profile: { kind: 'closed-loop', concurrency: connections }, durationMs: 600 },
  { kind: 'dns', profile: { kind: 'closed-loop', concurrency: connections }, durationMs: 600 },
]

export interface Resolved {
  readonly sample: Sample
  readonly checks: readonly Check[]
}

/** Measures the same thing twice, again and again: what differs is this machine's noise. */
export async function resolve(stage: Stage, plan: Plan, untilMs: number): Promise<Resolved> {
  await using http = await stage.serve({ for: 'http' })
  await using dns = await stage.serve({ for: 'dns' })
  const found = emptySample()
  const disturbances: Disturbance[] = []
  const refusals = new Set<string>()
  const most = plan.isQuick ? pairs.quick : pairs.most
  for (let pair = 0; pair < most && (pair < pairs.least || performance.now() < untilMs); pair += 1)
    for (const one of asked) {
      const server = one.kind === 'dns' ? dns : http
      const first = await trial(stage, server, one, plan, pair)
      const second = await trial(stage, server, one, plan, pair)
      disturbances.push(first.disturbance, second.disturbance)
      for (const why of [...first.invalid, ...second.invalid]) refusals.add(why.replace(/:.*/, ''))
      if (first.invalid.length > 0 || second.invalid.length > 0) continue
      for (const [metric, value] of first.values)
        found[metric].push(Math.log((second.values.get(metric) ?? NaN) / value))
    }
  const disturbance = {
    waitedRatio: median(disturbances.map(({ waitedRatio }) => waitedRatio)),
    stealRatio: median(disturbances.map(({ stealRatio }) => stealRatio)),
  }
  const checks = metrics.map((metric) =>
    settle(
      {
        id: `resolution/${metric}`,
        section: 'resolution',
        title: `${metricTitles[metric]}, the same thing twice`,
        wanted: 'no difference beyond 5 %',
      },
      [
        {
          ...judgeSame(found[metric]),
          invalid: found[metric].length < pairs.least ? [...refusals] : [],
          disturbance,
        },
      ],
    ),
  )
  return { sample: found, checks }
}

export function emptySample(): Record<Metric, number[]> {
  return {
    'http-p50': [],
    'http-rate': [],
    'http-cpu': [],
    'dns-p50': [],
    'dns-rate': [],
    'dns-cpu': [],
  }
}

interface Trial {
  readonly values: ReadonlyMap<Metric, number>
  readonly invalid: readonly string[]
  readonly disturbance: Disturbance
}

async function trial(
  stage: Stage,
  server: Served,
  { kind, profile, durationMs }: Asked,
  plan: Plan,
  pair: number,
): Promise<Trial> {
  const name = kind === 'dns' ? 'dns' : 'http'
  const before = cpuUs(server.pid)
  const { result, disturbance } = await measure(stage, server, {
    profile,
    durationMs,
    ...plan,
    // why: both trials of a pair get the same arrivals
    seed: Math.floor(randomStream(plan.seed + pair)() * 2 ** 32),
  })
  const spentUs = cpuUs(server.pid) - before
  const values = new Map<Metric, number>(
    profile.kind === 'open-loop'
      ? [[`${name}-p50`, quantileUs(result.response, 50)]]
      : [
          [`${name}-rate`, result.achievedRps],
          // why: of the warm-up, too, so this is no cost per request, but it compares
          [`${name}-cpu`, spentUs / result.completed],
        ],
  )
  return { values, invalid: result.invalid, disturbance }
}

/** Judges what cannot differ: off only when it surely differs by more than a gate's margin. */
export function judgeSame(
  logarithms: readonly number[],
): Pick<Attempt, 'isOk' | 'seen' | 'numbers'> {
  if (logarithms.length < pairs.least)
    return {
      isOk: false,
      seen: `${logarithms.length} pairs that count, want ${pairs.least}`,
      numbers: { pairs: logarithms.length },
    }
  const estimate = hodgesLehmann(logarithms)
  const [low, high] = hodgesLehmannInterval(logarithms, controlConfidence)?.interval ?? [
    -Infinity,
    Infinity,
  ]
  const scatter = scatterOf(logarithms)
  return {
    isOk: !(low > margin || high < -margin),
    seen: `${signedPercent(estimate)}, scatter ${percent(Math.expm1(scatter))}, ${logarithms.length} pairs`,
    numbers: { pairs: logarithms.length, estimate: Math.expm1(estimate), scatter },
  }
}

/** Root mean square: in pairs of the same thing the true difference is 0. */
export function scatterOf(logarithms: readonly number[]): number {
  return Math.sqrt(
    logarithms.reduce((sum, value) => sum + value * value, 0) / Math.max(1, logarithms.length),
  )
}

/** The smallest relative change that a session of the gate finds four times of five, where pairs scatter like these. */
export function smallestFound(scatter: number, profile: 'pr' | 'release'): number {
  const { looks, familyAlpha } = gateRules[profile]
  const last = looks.at(-1)
  if (last === undefined) return Infinity
  const alpha = (familyAlpha * last.share) / gatedMetrics[profile]
  return Math.expm1(detectableFactor(last.pairs, alpha) * scatter)
}

/** How many metrics share the gate's chances of error (scenarios/bench/gated.ts). */
const gatedMetrics = { pr: 4, release: 8 } as const

/** What this machine can tell apart, in words. */
export interface Resolution {
  readonly metric: Metric
  readonly title: string
  readonly pairs: number
  /** Relative change that 16 pairs (`--profile pr`) and 24 pairs (`release`) find four times of five. */
  readonly pr: number
  readonly release: number
}

export function resolutionsOf(sample: Sample): readonly Resolution[] {
  return metrics
    .filter((metric) => sample[metric].length >= pairs.least)
    .map((metric) => {
      const scatter = scatterOf(sample[metric])
      return {
        metric,
        title: metricTitles[metric],
        pairs: sample[metric].length,
        pr: smallestFound(scatter, 'pr'),
        release: smallestFound(scatter, 'release'),
      }
    })
}

/** A sentence a metric, and one that says what a gate with a margin of 5 % will be able to say. */
export function resolutionText(found: readonly Resolution[], when: string): readonly string[] {
  if (found.length === 0)
    return [`${when}, nothing can be told apart here: too few trials were valid.`]
  const lines = found.map(
    ({ title, pr, release, pairs: count }) =>
      `  ${title.padEnd(22)} below ${percent(pr).padStart(6)} in 16 pairs, ${percent(release).padStart(6)} in 24 (from ${count} pairs)`,
  )
  const blind = found.filter(({ pr }) => pr > Math.expm1(margin))
  const decided = found.filter((one) => !blind.includes(one))
  return [
    `${when}, changes smaller than these are found less than four times of five here:`,
    ...lines,
    ...(decided.length > 0
      ? [`A gate with a margin of 5 % can decide in 16 pairs: ${names(decided)}.`]
      : []),
    ...(blind.length > 0
      ? [`It will mostly say "undecided", and not find a change of 5 %, in: ${names(blind)}.`]
      : []),
  ]
}

function names(found: readonly Resolution[]): string {
  return found.map(({ title }) => title).join(', ')
}

function signedPercent(logarithm: number): string {
  const value = 100 * Math.expm1(logarithm)
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)} %`
}
