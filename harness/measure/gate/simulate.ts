import type { GateRule, LookVerdict } from '../../model/gate.ts'
import { randomStream } from '../random.ts'
import type { NoiseModel } from './noise.ts'
import { lookAt } from './rule.ts'

/** Sessions that never ran: what a rule would say if machines were like the model. */
export interface SimulationPlan {
  readonly rule: GateRule
  readonly noise: NoiseModel
  /** Sessions, 1 or more. */
  readonly sessions: number
  readonly seed: number
  /** Gated metrics of a session, each with noise of its own, 1 or more. */
  readonly metrics: number
  /** True change of the first metric, relative: 0.1 makes the candidate 10 % worse. The others do not change. */
  readonly change: number
  /** Margin of every metric, relative: 0.05 for 5 %. */
  readonly margin: number
}

/** Shares are of sessions, 0 to 1. */
export interface Simulated {
  readonly sessions: number
  /** Sessions whose first metric regressed, was found ok, or stayed inconclusive. */
  readonly regressed: number
  readonly ok: number
  readonly inconclusive: number
  /** Sessions in which a metric that did not change was called regressed. */
  readonly falseAlarms: number
  /** Mean number of pairs until the first metric was decided, or the session over. */
  readonly pairs: number
}

/** Plays sessions: coin-flip pairs under the model's noise, judged by the rule itself. */
export function simulate(plan: SimulationPlan): Simulated {
  const { sessions, seed, change, metrics } = plan
  const random = randomStream(seed)
  const counts = { regressed: 0, ok: 0, undecided: 0 }
  let falseAlarms = 0
  let pairs = 0
  for (let session = 0; session < sessions; session += 1) {
    const verdicts = playSession(plan, random)
    const [first] = verdicts
    if (first === undefined) throw new RangeError(`metrics: got ${metrics}, want 1 or more`)
    counts[first.verdict] += 1
    pairs += first.pairs
    if (verdicts.slice(change === 0 ? 0 : 1).some(({ verdict }) => verdict === 'regressed'))
      falseAlarms += 1
  }
  return {
    sessions,
    regressed: counts.regressed / sessions,
    ok: counts.ok / sessions,
    inconclusive: counts.undecided / sessions,
    falseAlarms: falseAlarms / sessions,
    pairs: pairs / sessions,
  }
}

function playSession(
  { rule, noise, metrics, change, margin }: SimulationPlan,
  random: () => number,
): readonly LookVerdict[] {
  const machines = Array.from({ length: metrics }, () => noise.start(random))
  const worse = machines.map((): number[] => [])
  let verdicts: readonly LookVerdict[] | undefined
  let pair = 0
  for (const [look, { pairs }] of rule.looks.entries()) {
    for (; pair < pairs; pair += 1) {
      // why: all metrics of a session come from the same trials, so they share the coin
      const candidateFirst = random() < 0.5
      machines.forEach((disturb, index) => {
        const [first, second] = [disturb(false), disturb(true)]
        const noiseOnly = candidateFirst ? first - second : second - first
        worse[index]?.push(noiseOnly + (index === 0 ? Math.log1p(change) : 0))
      })
    }
    verdicts = lookAt(
      worse.map((values) => ({ margin: Math.log1p(margin), worse: values })),
      { rule, look, ...(verdicts !== undefined && { earlier: verdicts }) },
    )
    if (verdicts.every(({ verdict }) => verdict !== 'undecided')) break
  }
  return verdicts ?? []
}
