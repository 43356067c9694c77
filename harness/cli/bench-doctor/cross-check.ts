import { quantileUs } from '../../measure/histogram.ts'
import { median } from '../../measure/quantile.ts'
import { randomStream } from '../../measure/random.ts'
import { LoadError } from '../../model/errors.ts'
import type { LoadProfile } from '../../model/load.ts'
import {
  type Attempt,
  type Check,
  check,
  type CheckSubject,
  type Disturbance,
  type Plan,
  skipped,
} from './check.ts'
import { milliseconds, perSecond, times } from './figures.ts'
import { connections, type Kind, measure, type Measured, type Served, type Stage } from './stage.ts'
import {
  dnsperf,
  dnsperfQuiet,
  h2load,
  isThere,
  k6Cure,
  type Reading,
  runK6,
  runTool,
  type Tool,
  wrk,
} from './tools.ts'

/** CPU time of the server per answer, where it shall be the bottleneck: what a generator costs then does not matter. */
const workUs = 250

/** How far two generators may differ on the same server (issue, done when 3). */
const tolerance = { rps: 0.1, p50: 0.2 } as const

/** Least share of the other tool's rate at saturation. */
const goals: Readonly<Record<Kind, number>> = { http: 0.6, 'http-connect': NaN, dns: 0.7 }

const closedLoop: LoadProfile = { kind: 'closed-loop', concurrency: connections }

/** Do others see the same? Each tool that is here and ours in turn, the same server, as many clients. */
export async function* crossCheck(stage: Stage, plan: Plan): AsyncGenerator<Check> {
  for (const tool of [wrk, h2load, dnsperf]) yield await agreement(stage, tool, plan)
  yield await agreementWithK6(stage, plan)
  yield await saturation(stage, { tool: wrk, profile: 'open-loop' }, plan)
  yield await saturation(stage, { tool: wrk, profile: 'closed-loop' }, plan)
  yield await saturation(stage, { tool: dnsperfQuiet, profile: 'closed-loop' }, plan)
}

/** Of one round: what the other tool and ours saw, and what disturbed. */
export interface Round {
  readonly theirs: Reading
  readonly ours: {
    readonly rps: number
    readonly p50Us: number
    readonly cpuUs: number
    readonly requests: number
  }
  readonly invalid: readonly string[]
  readonly disturbance: Disturbance
}

function agreement(stage: Stage, tool: Tool, plan: Plan): Promise<Check> {
  const subject = {
    id: `cross-check/${tool.name}/agreement`,
    section: 'cross-check',
    title: `${tool.name}, a server that takes ${workUs} µs each`,
    wanted: 'rps within 10 %, p50 within 20 %',
  } as const
  if (!isThere(tool)) return Promise.resolve(absent(subject, tool))
  return check(
    subject,
    async () => {
      await using server = await stage.serve({ for: tool.kind, workUs })
      return summed(
        judgeAgreement,
        await rounds(stage, { tool, server, profile: () => closedLoop }, plan),
      )
    },
    plan,
  )
}

/** Judges rounds of a server that is the bottleneck: both have to see its rate and its times. */
export function judgeAgreement(
  found: readonly Round[],
): Pick<Attempt, 'isOk' | 'seen' | 'numbers'> {
  const rps = found.map(({ ours, theirs }) => ours.rps / theirs.rps)
  const p50 = found.map(({ ours, theirs }) => ours.p50Us / (theirs.p50Us ?? NaN))
  const [rpsRatio, p50Ratio] = [median(rps), median(p50)]
  return {
    isOk: Math.abs(rpsRatio - 1) <= tolerance.rps && Math.abs(p50Ratio - 1) <= tolerance.p50,
    seen: `rps ${times(rps, rpsRatio)}, p50 ${times(p50, p50Ratio)} of its own`,
    numbers: { rpsRatio, p50Ratio, ...middles(found) },
  }
}

interface Saturating {
  readonly tool: Tool
  readonly profile: LoadProfile['kind']
}

function saturation(stage: Stage, { tool, profile }: Saturating, plan: Plan): Promise<Check> {
  const goal = goals[tool.kind]
  const subject = {
    id: `cross-check/${tool.name}/saturation-${profile}`,
    section: 'cross-check',
    title: `ours / ${tool.name} as fast as it can, ${profile.replace('-', ' ')}`,
    wanted: `>= ${goal}x ${profile === 'closed-loop' ? 'per CPU time' : 'its rate'}`,
  } as const
  if (!isThere(tool)) return Promise.resolve(absent(subject, tool))
  return check(
    subject,
    async () => {
      await using server = await stage.serve({ for: tool.kind })
      const found = await rounds(stage, { tool, server, profile: profileOf(profile) }, plan)
      return summed((all) => judgeSaturation(all, goal, profile), found, profile === 'closed-loop')
    },
    plan,
  )
}

/** An open loop is told to send so much of what the other tool sent: a little more than the goal. */
const openRatio = 0.65

function profileOf(kind: LoadProfile['kind']): Rounds['profile'] {
  return ({ rps }) =>
    kind === 'closed-loop' ? closedLoop : { kind, rateRps: openRatio * rps, maxInFlight: 1_000_000 }
}

/**
 * Judges rounds in which the other tool is as fast as it can be. A closed loop by requests per CPU time: where a
 * generator has a CPU to itself that is the same ratio as that of the rates, and where a neighbour or the server is in
 * the way it still tells what a request costs. An open loop by its rate, because it waits awake.
 */
export function judgeSaturation(
  found: readonly Round[],
  goal: number,
  profile: LoadProfile['kind'],
): Pick<Attempt, 'isOk' | 'seen' | 'numbers'> {
  const each = found.map(
    ({ ours, theirs }) => theirs.cpuUs / theirs.requests / (ours.cpuUs / ours.requests),
  )
  const rps = found.map(({ ours, theirs }) => ours.rps / theirs.rps)
  const numbers = middles(found)
  return {
    isOk: median(profile === 'closed-loop' ? each : rps) >= goal,
    seen:
      profile === 'closed-loop'
        ? `${times(each, median(each))}, ${microseconds(numbers['oursCpuUs'])} each, theirs ${microseconds(numbers['theirsCpuUs'])}; rps ${median(rps).toFixed(2)}x`
        : `${times(rps, median(rps))} of ${perSecond(numbers['theirsRps'] ?? NaN)}`,
    numbers: { perCpuRatio: median(each), rpsRatio: median(rps), ...numbers },
  }
}

function microseconds(us = NaN): string {
  return `${us.toFixed(1)} µs`
}

function middles(found: readonly Round[]): Readonly<Record<string, number>> {
  const middle = (of: (one: Round) => number): number => median(found.map(of))
  return {
    oursRps: middle(({ ours }) => ours.rps),
    theirsRps: middle(({ theirs }) => theirs.rps),
    oursP50Us: middle(({ ours }) => ours.p50Us),
    theirsP50Us: middle(({ theirs }) => theirs.p50Us ?? NaN),
    oursCpuUs: middle(({ ours }) => ours.cpuUs / ours.requests),
    theirsCpuUs: middle(({ theirs }) => theirs.cpuUs / theirs.requests),
  }
}

/** @param needsValid - near an open loop's own limit trials may be refused, and tell what a request costs */
function summed(
  judge: (found: readonly Round[]) => Pick<Attempt, 'isOk' | 'seen' | 'numbers'>,
  found: readonly Round[],
  needsValid = true,
): Attempt {
  const worst = (of: (one: Disturbance) => number): number =>
    median(found.map(({ disturbance }) => of(disturbance)))
  return {
    ...judge(found),
    invalid: needsValid ? [...new Set(found.flatMap(({ invalid }) => invalid))] : [],
    disturbance: {
      waitedRatio: worst(({ waitedRatio }) => waitedRatio),
      stealRatio: worst(({ stealRatio }) => stealRatio),
    },
  }
}

interface Rounds {
  readonly tool: Tool
  readonly server: Served
  /** Ours, by what the other tool saw last. */
  readonly profile: (theirs: Reading) => LoadProfile
}

/** Both in turn, in a random order each time, because one minute is not like the next. */
async function rounds(
  stage: Stage,
  { tool, server, profile }: Rounds,
  plan: Plan,
): Promise<readonly Round[]> {
  const random = randomStream(plan.seed)
  const found: Round[] = []
  const ours = (last: Reading): Promise<Measured> =>
    measure(stage, server, { profile: profile(last), durationMs: 1_000, ...plan })
  for (let round = 0; round < (plan.isQuick ? 1 : 3); round += 1) {
    const last = found.at(-1)?.theirs
    const early = last !== undefined && random() < 0.5 ? await ours(last) : undefined
    const theirs = await runTool(tool, stage, {
      port: server.port,
      seconds: 1,
      signal: plan.signal,
    })
    const { result, disturbance } = early ?? (await ours(theirs))
    found.push({
      theirs,
      ours: {
        rps: result.achievedRps,
        p50Us: quantileUs(result.response, 50),
        cpuUs: result.generator.cpuUs,
        requests: (result.achievedRps * result.windowMs) / 1_000,
      },
      invalid: [...result.invalid, ...theirs.troubles],
      disturbance,
    })
  }
  return found
}

/** k6 keeps a rate, as our open loop does. */
async function agreementWithK6(stage: Stage, plan: Plan): Promise<Check> {
  const [holdMs, rateRps, seconds] = [5, 200, 3]
  const subject = {
    id: 'cross-check/k6/agreement',
    section: 'cross-check',
    title: `k6, ${rateRps} per second, answers held ${holdMs} ms`,
    wanted: 'rps within 10 %, p50 within 20 %',
  } as const
  if (!isThere({ name: 'k6' })) return skipped(subject, 'k6 is not on PATH', k6Cure)
  return check(
    subject,
    async () => {
      await using server = await stage.serve({ for: 'http', holdMs })
      const { target } = server
      if (target.kind !== 'http') throw new LoadError('invalid-job', 'k6 asks HTTP alone')
      const profile = { kind: 'open-loop', rateRps, maxInFlight: 1_000 } as const
      const { result, disturbance } = await measure(stage, server, {
        profile,
        durationMs: seconds * 1_000,
        ...plan,
      })
      const url = `http://127.0.0.1:${server.port}/`
      const { bodySha256: sha256 } = target.expect
      const ask = { url, sha256, rateRps, seconds, signal: plan.signal }
      const theirs = await runK6(stage, ask)
      const oursP50Us = quantileUs(result.response, 50)
      const rpsRatio = result.achievedRps / theirs.achievedRps
      const p50Ratio = oursP50Us / (theirs.p50Us ?? NaN)
      return {
        isOk: Math.abs(rpsRatio - 1) <= tolerance.rps && Math.abs(p50Ratio - 1) <= tolerance.p50,
        seen: `rps ${rpsRatio.toFixed(2)}x, p50 ${milliseconds(oursP50Us)} against ${milliseconds(theirs.p50Us ?? NaN)}`,
        numbers: { rpsRatio, p50Ratio, oursP50Us, theirsP50Us: theirs.p50Us ?? NaN },
        invalid: [...result.invalid, ...theirs.invalid],
        disturbance,
      }
    },
    plan,
  )
}

function absent(subject: CheckSubject, { name, cure }: Tool): Check {
  return skipped(subject, `${name} is not on PATH`, cure())
}
