import type { AbortOptions } from '../model/abort.ts'
import type { LoadGenerator } from '../model/load.ts'
import type { BenchFacts, Question } from '../model/question.ts'
import { number } from './answer.ts'
import type { Listener } from './events.ts'
import { jobOf } from './trial.ts'

export interface CalibrationContext extends AbortOptions {
  readonly plan: { readonly seed: number }
  readonly facts: BenchFacts
  readonly generator: LoadGenerator
  readonly tell: Listener
}

/** A look at what a way carries is short: it only has to say where 40 % of it are. */
const window = { warmupMs: 200, durationMs: 500 } as const

/** A median needs 50 samples beyond it, and arrivals come by chance. */
const leastSamples = 130

/** No trial is longer than this, however slow the ways are; then its samples may be too few, which it says. */
const longestWindowMs = 30_000

/**
 * The question at a rate that both ways bear, or of a closed loop with a window that is long enough, and how that came
 * about in words. Questions without a calibration stay as they are. A way that carries nothing leaves the rate at one request per second: its trials then say why.
 */
export async function calibrated(
  question: Question,
  { plan, facts, generator, tell, signal }: CalibrationContext,
): Promise<{ readonly question: Question; readonly calibration?: string }> {
  const { calibration, profile, arms } = question
  if (calibration === undefined) return { question }
  const isOpen = profile.kind === 'open-loop'
  const concurrency = isOpen ? calibration.concurrency : profile.concurrency
  const carried: number[] = []
  for (const arm of arms) {
    const closed = {
      ...question,
      ...window,
      profile: { kind: 'closed-loop', concurrency },
    } as const
    const job = jobOf(closed, arm.request(facts), { seed: plan.seed, pair: 0 })
    const { achievedRps } = await generator.run(job, { signal })
    carried.push(achievedRps)
  }
  const slowest = Math.min(...carried)
  const rateRps = isOpen
    ? Math.max(1, Math.min(profile.rateRps, Math.floor(slowest * calibration.share)))
    : Math.max(1, slowest)
  const durationMs = Math.min(
    Math.max(longestWindowMs, question.durationMs),
    Math.max(question.durationMs, Math.ceil((leastSamples / rateRps) * 1000)),
  )
  const share = Math.round((rateRps / Math.max(slowest, 1)) * 100)
  const text = `the slowest way carried ${number(slowest)} per second with ${concurrency === 1 ? '1 client' : `${concurrency} clients`}${isOpen ? `, of which this is ${share} %` : ''}`
  tell({ kind: 'phase-progress', phase: 'bench', line: `${question.id}: ${text}` })
  return {
    question: { ...question, durationMs, ...(isOpen && { profile: { ...profile, rateRps } }) },
    calibration: text,
  }
}
