import { quantileUs } from '../../measure/histogram.ts'
import { randomStream } from '../../measure/random.ts'
import { type Attempt, type Check, check, type Plan, tailDisturbed } from './check.ts'
import { milliseconds } from './figures.ts'
import { type Kind, kinds, kindTitles, measure, type Stage } from './stage.ts'

/** Requests of a window: 50 lie beyond the p99, and some more. */
const requests = 5_200

/** The stall's share of the window. */
const stallRatio = 1 / 20

/** How far the p99 may be off. */
const tolerance = 0.1

/**
 * Is a stall felt by all who came while it lasted? Of requests at a fixed rate, a stall of S in a window of T delays the
 * share S/T, evenly from 0 to S: the p99 is S - 0.01 T. A generator that waits for answers before it sends the next
 * request (coordinated omission) would tell a p99 as without a stall.
 */
export async function* stall(stage: Stage, plan: Plan): AsyncGenerator<Check> {
  for (const kind of kinds)
    yield await stalled(stage, kind, plan.isQuick ? 5_000 : kind === 'http' ? 20_000 : 8_000, plan)
}

function stalled(stage: Stage, kind: Kind, windowMs: number, plan: Plan): Promise<Check> {
  const forMs = windowMs * stallRatio
  const subject = {
    id: `stall/${kind}`,
    section: 'stall',
    title: `${kindTitles[kind]}, p99 with a stall of ${forMs / 1_000} s in ${windowMs / 1_000} s`,
    wanted: `${(forMs - 0.01 * windowMs) / 1_000} s +- 10 %`,
  } as const
  let { seed } = plan
  const attempt = async (): Promise<Attempt> => {
    // why: how many arrive in the stall is chance, and the same arrivals would have the same chance
    seed = (seed + 1) >>> 0
    await using server = await stage.serve({ for: kind })
    const afterMs = windowMs * (0.2 + 0.5 * randomStream(seed)())
    let stallOver: Promise<number> | undefined
    let timer: NodeJS.Timeout | undefined
    const { result, disturbance } = await measure(stage, server, {
      profile: { kind: 'open-loop', rateRps: (requests / windowMs) * 1_000, maxInFlight: 5_000 },
      durationMs: windowMs,
      began: () => {
        timer = setTimeout(() => {
          stallOver = server.stall(forMs)
        }, afterMs)
      },
      signal: plan.signal,
      seed,
    }).finally(() => {
      clearTimeout(timer)
    })
    const seen = {
      p99Us: quantileUs(result.response, 99),
      fromSendP99Us: quantileUs(result.service, 99),
      stallMs: (await stallOver) ?? NaN,
      windowMs,
    }
    return { ...judgeStall(seen), invalid: result.invalid, disturbance }
  }
  return check(subject, attempt, plan, tailDisturbed)
}

export interface StallSeen {
  /** From the intended send time. */
  readonly p99Us: number
  /** From the actual send: of kept connections it hides the stall, because few requests were sent in it. */
  readonly fromSendP99Us: number
  /** How long the server really stalled. */
  readonly stallMs: number
  readonly windowMs: number
}

/** Judges the p99 of a window with a stall in it. */
export function judgeStall({
  p99Us,
  fromSendP99Us,
  stallMs,
  windowMs,
}: StallSeen): Omit<Attempt, 'invalid' | 'disturbance'> {
  const truthUs = (stallMs - 0.01 * windowMs) * 1_000
  return {
    isOk: Math.abs(p99Us - truthUs) <= tolerance * truthUs,
    isImpossible: p99Us < (1 - tolerance) * truthUs,
    seen: `${(p99Us / 1e6).toFixed(3)} s (from the actual send: ${milliseconds(fromSendP99Us)})`,
    numbers: { p99Us, truthUs, fromSendP99Us, stallMs },
  }
}
