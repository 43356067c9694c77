import { gateRules, lookAt } from '../../measure/gate/rule.ts'
import { quantileUs } from '../../measure/histogram.ts'
import { randomStream } from '../../measure/random.ts'
import type { LookVerdict } from '../../model/gate.ts'
import type { LoadProfile } from '../../model/load.ts'
import { type Check, percent, type Plan } from './check.ts'
import { milliseconds } from './figures.ts'
import { measure, type Served, type Stage } from './stage.ts'

/** CPU time of either server per answer, microseconds: a target's own cost, of which the injection is a share. */
const workUs = 200

const profile: LoadProfile = { kind: 'open-loop', rateRps: 500, maxInFlight: 200 }

const margin = 0.05

/** Pairs that may be refused and made again: half of all. */
const mostRefused = 8

/**
 * A gate that cannot fail is no gate: of two servers one is slower by a known share of the median, and the rule of
 * `bench --vs --gate` has to call it regressed.
 * @param share - 0.1 for 10 %
 */
export async function positiveControl(stage: Stage, share: number, plan: Plan): Promise<Check> {
  await using plain = await stage.serve({ for: 'http', workUs })
  const base = await p50Of(stage, plain, plan, plan.seed)
  const addedUs = share * base.p50Us
  await using slowed = await stage.serve({ for: 'http', workUs: workUs + addedUs })
  const { verdict, refused } = await session(stage, { plain, slowed }, plan)
  return judgeControl(verdict, { share, addedUs, refused })
}

interface Arms {
  readonly plain: Served
  readonly slowed: Served
}

async function session(
  stage: Stage,
  { plain, slowed }: Arms,
  plan: Plan,
): Promise<{ readonly verdict: LookVerdict | undefined; readonly refused: readonly string[] }> {
  const rule = gateRules.pr
  const random = randomStream(plan.seed)
  const worse: number[] = []
  const refused: string[] = []
  let refusedPairs = 0
  let verdict: LookVerdict | undefined
  for (const [look, { pairs }] of rule.looks.entries()) {
    while (worse.length < pairs) {
      const seed = Math.floor(random() * 2 ** 32)
      const slowedFirst = random() < 0.5
      const order = slowedFirst ? [slowed, plain] : [plain, slowed]
      const [first, second] = [
        await p50Of(stage, order[0] ?? plain, plan, seed),
        await p50Of(stage, order[1] ?? plain, plan, seed),
      ]
      const invalid = [...first.invalid, ...second.invalid]
      if (invalid.length === 0) {
        const ratio = Math.log(second.p50Us / first.p50Us)
        worse.push(slowedFirst ? -ratio : ratio)
      } else {
        refused.push(...invalid)
        refusedPairs += 1
        if (refusedPairs > mostRefused) return { verdict, refused }
      }
    }
    const [one] = lookAt([{ margin: Math.log1p(margin), worse }], {
      rule,
      look,
      ...(verdict !== undefined && { earlier: [verdict] }),
    })
    verdict = one
    if (verdict?.verdict !== 'undecided') break
  }
  return { verdict, refused }
}

async function p50Of(
  stage: Stage,
  server: Served,
  plan: Plan,
  seed: number,
): Promise<{ readonly p50Us: number; readonly invalid: readonly string[] }> {
  const durationMs = plan.isQuick ? 600 : 1_200
  const { result } = await measure(stage, server, { profile, durationMs, ...plan, seed })
  return { p50Us: quantileUs(result.response, 50), invalid: result.invalid }
}

export interface Injected {
  readonly share: number
  readonly addedUs: number
  readonly refused: readonly string[]
}

/** Regressed is right; undecided says what could have been found; ok would be wrong. */
export function judgeControl(
  verdict: LookVerdict | undefined,
  { share, addedUs, refused }: Injected,
): Check {
  const subject = {
    id: 'positive-control/http-p50',
    section: 'positive-control',
    title: `a server slower by ${percent(share)} (${milliseconds(addedUs)})`,
    wanted: 'regressed',
    tries: 1,
  } as const
  if (verdict === undefined)
    return {
      ...subject,
      verdict: 'unclear',
      seen: 'too few trials were valid',
      numbers: { addedUs },
      reasons: [...new Set(refused.map((why) => why.replace(/:.*/, '')))],
    }
  const { estimate, pairs, detectable } = verdict
  const found =
    verdict.verdict === 'regressed' ? 'ok' : verdict.verdict === 'ok' ? 'failed' : 'unclear'
  const could =
    detectable === undefined || !Number.isFinite(detectable)
      ? 'nothing'
      : `a change of ${percent(Math.expm1(detectable))}`
  return {
    ...subject,
    verdict: found,
    seen: `${verdict.verdict}: ${percent(Math.expm1(estimate))} slower in ${pairs} pairs`,
    numbers: {
      addedUs,
      pairs,
      estimate: Math.expm1(estimate),
      p: verdict.p,
      ...(detectable !== undefined && { detectable: Math.expm1(detectable) }),
    },
    reasons: found === 'unclear' ? [`pairs that scatter like these find ${could}`] : [],
  }
}
