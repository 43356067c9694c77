import { type Check, exitCodeOf, type Plan, type Section, sections } from './check.ts'
import { knownDelay } from './known-delay.ts'
import { limits } from './limits.ts'
import { makeStage, type Stage } from './stage.ts'
import { stall } from './stall.ts'

/** The whole report; a schema of its own, `meshmark.dev/bench-doctor/1`. */
export interface BenchDoctorReport {
  readonly schema: 'meshmark.dev/bench-doctor/1'
  readonly startedAt: string
  readonly tookMs: number
  readonly seed: number
  readonly isQuick: boolean
  readonly checks: readonly Check[]
  readonly exitCode: 0 | 1 | 3
}

type Part = (stage: Stage, plan: Plan) => AsyncIterable<Check>

const parts: Partial<Record<Section, Part>> = { 'known-delay': knownDelay, stall, limits }

/** Measurements that may be made again: about half a minute of them. */
const retries = 20

export interface ExamineInit extends Omit<Plan, 'retries'> {
  readonly only: readonly Section[]
  readonly told: (what: Section | Check) => void
}

/** Runs the parts in their order and tells of each check as soon as it is known. */
export async function examineMeasurement({
  only,
  told,
  ...choices
}: ExamineInit): Promise<BenchDoctorReport> {
  const startedAt = new Date().toISOString()
  const beganMs = performance.now()
  const plan: Plan = { ...choices, retries: { left: retries } }
  const checks: Check[] = []
  await using stage = await makeStage(plan)
  for (const section of sections) {
    const part = parts[section]
    if (part === undefined || !only.includes(section)) continue
    told(section)
    for await (const one of part(stage, plan)) {
      plan.signal.throwIfAborted()
      checks.push(one)
      told(one)
    }
  }
  return {
    schema: 'meshmark.dev/bench-doctor/1',
    startedAt,
    tookMs: Math.round(performance.now() - beganMs),
    seed: plan.seed,
    isQuick: plan.isQuick,
    checks,
    exitCode: exitCodeOf(checks),
  }
}
