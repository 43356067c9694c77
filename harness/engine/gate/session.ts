import type { AbortOptions } from '../../model/abort.ts'
import type {
  GatedMetric,
  GateResult,
  GateRule,
  LookOptions,
  LookVerdict,
  MetricSoFar,
} from '../../model/gate.ts'
import { completePairs, worsening } from '../../model/gate-pairs.ts'
import type { Question } from '../../model/question.ts'
import type { Listener } from '../events.ts'
import type { Statistics } from '../statistics.ts'
import type { Arena } from './arena.ts'
import { concludeGate } from './conclude.ts'
import { betterOf } from './metrics.ts'
import { type AskedPairs, askedPairs, askPair } from './trials.ts'

/** What a session compares and by which rule; nothing of it changes once trials run. */
export interface GatePlan {
  readonly profile: string
  readonly rule: GateRule
  readonly questions: readonly Question[]
  readonly gated: readonly GatedMetric[]
  readonly seed: number
  /** `--vs`. */
  readonly spec: string
  readonly isSameProgram: boolean
  /** Goes on to the last look with every question, and runs the baseline twice in every pair (for a corpus). */
  readonly isRecording?: boolean
}

/** `measure/` has them, the command line hands them in. */
export interface GateStatistics extends Statistics {
  readonly random: (seed: number) => () => number
  readonly lookAt: (metrics: readonly MetricSoFar[], options: LookOptions) => readonly LookVerdict[]
}

export interface GateOptions extends AbortOptions {
  readonly baseline: Arena
  readonly candidate: Arena
  readonly statistics: GateStatistics
  readonly tell: Listener
}

/** Of all pairs of a question, how many may be run again (measurement.md 2.6, rule 4). */
const requeueShare = 0.25

/** Every third pair has the baseline once more beside it. */
const controlEvery = 3

/**
 * Compares a candidate with a baseline, pair by pair, the questions taking turns; looks when the rule says so and ends
 * when every gated metric is decided. A question whose gated metrics are all decided is not asked any more.
 */
export async function gate(plan: GatePlan, options: GateOptions): Promise<GateResult> {
  const { rule, gated } = plan
  const { statistics, signal, tell } = options
  const asked = plan.questions.map(askedPairs)
  const random = statistics.random(plan.seed)
  const last = rule.looks.at(-1)?.pairs ?? 0
  const mayRequeue = Math.ceil(last * requeueShare)
  const pace = { seed: plan.seed, controlEvery: plan.isRecording === true ? 1 : controlEvery }
  let verdicts: readonly LookVerdict[] | undefined
  let pair = 0
  for (const [look, { pairs }] of rule.looks.entries()) {
    for (; pair < pairs; pair += 1) {
      tell({ kind: 'phase-progress', phase: 'bench', line: `pair ${pair + 1} of at most ${last}` })
      for (const one of asked.filter((each) => isOpen(each, plan, verdicts)))
        await askPair(one, pair, { ...options, ...pace, random, mayRequeue, signal })
    }
    verdicts = statistics.lookAt(
      gated.map((metric) => soFar(metric, asked)),
      { rule, look, ...(verdicts !== undefined && { earlier: verdicts }) },
    )
    const open = asked.filter((each) => isOpen(each, plan, verdicts))
    tell({
      kind: 'phase-progress',
      phase: 'bench',
      line: `after ${pairs} pairs: ${told(verdicts)}`,
    })
    if (open.length === 0) break
  }
  await options.baseline.verify({ signal })
  await options.candidate.verify({ signal })
  return concludeGate(plan, { asked, verdicts: verdicts ?? [], ...options })
}

/** Some gated metric of it is not decided, and it can still be answered. */
function isOpen(
  { question, broken }: AskedPairs,
  { gated, isRecording = false }: GatePlan,
  verdicts: readonly LookVerdict[] | undefined,
): boolean {
  if (broken !== undefined) return false
  if (isRecording) return true
  return gated.some(
    (metric, index) =>
      metric.question === question.id &&
      (verdicts?.[index]?.verdict ?? 'undecided') === 'undecided',
  )
}

function soFar({ question, kind, margin }: GatedMetric, asked: readonly AskedPairs[]): MetricSoFar {
  const one = asked.find((each) => each.question.id === question)
  if (one === undefined) throw new Error(`the gated metric ${question} has no question`)
  const pairs = completePairs(one.arms, kind, ['baseline', 'candidate'])
  return { margin: Math.log1p(margin), worse: worsening(pairs, betterOf(one, kind)) }
}

function told(verdicts: readonly LookVerdict[]): string {
  const count = (verdict: LookVerdict['verdict']): number =>
    verdicts.filter((one) => one.verdict === verdict).length
  return `${count('regressed')} regressed, ${count('ok')} ok, ${count('undecided')} undecided`
}
