import type { Finding } from '../doctor/finding.ts'
import { type Check, exitCodeOf, type Plan, type Section } from './check.ts'
import { crossCheck } from './cross-check.ts'
import { environmentFindings } from './environment.ts'
import { knownDelay } from './known-delay.ts'
import { limits } from './limits.ts'
import { makeStage, type Stage } from './stage.ts'
import { stall } from './stall.ts'
import { calibration, pooled, remember } from './calibration.ts'
import { positiveControl } from './positive-control.ts'
import {
  type Resolution,
  resolutionsOf,
  resolutionText,
  resolve,
  type Sample,
} from './resolution.ts'

/** The whole report; a schema of its own, `meshmark.dev/bench-doctor/1`. */
export interface BenchDoctorReport {
  readonly schema: 'meshmark.dev/bench-doctor/1'
  readonly startedAt: string
  readonly tookMs: number
  readonly seed: number
  readonly isQuick: boolean
  /** Troubles of the machine, looked for before anything ran. */
  readonly environment: readonly Finding[]
  readonly checks: readonly Check[]
  /** What can be told apart, by this run's pairs; absent when they were not asked for. */
  readonly resolution?: readonly Resolution[]
  /** The same by all sessions of machines like this one, this one included. */
  readonly usualResolution?: readonly Resolution[]
  readonly exitCode: 0 | 1 | 3
}

type Part = (stage: Stage, plan: Plan) => AsyncIterable<Check>

const parts: readonly (readonly [Section, Part])[] = [
  ['known-delay', knownDelay],
  ['stall', stall],
  ['limits', limits],
  ['cross-check', crossCheck],
]

/** So much time may measurements take that are made again. */
const retriesMs = 30_000

/** The same thing is measured twice, again and again, until so long after the start. */
const pairsUntilMs = 140_000

/** What is told while it goes. */
export type Told =
  | { readonly kind: 'environment'; readonly findings: readonly Finding[] }
  | { readonly kind: 'section'; readonly section: Section }
  | { readonly kind: 'check'; readonly check: Check }
  | { readonly kind: 'words'; readonly lines: readonly string[] }

export interface ExamineInit extends Omit<Plan, 'retries'> {
  readonly only: readonly Section[]
  /** Slows a server by this share and wants it to be found: 0.1 for 10 %. */
  readonly inject?: number
  readonly told: (what: Told) => void
}

/** Runs the parts in their order and tells of each check as soon as it is known. */
export async function examineMeasurement({
  only,
  inject,
  told,
  ...choices
}: ExamineInit): Promise<BenchDoctorReport> {
  const startedAt = new Date().toISOString()
  const beganMs = performance.now()
  const plan: Plan = { ...choices, retries: { leftMs: retriesMs } }
  const checks: Check[] = []
  const add = (one: Check): void => {
    checks.push(one)
    told({ kind: 'check', check: one })
  }
  const environment = await environmentFindings()
  told({ kind: 'environment', findings: environment })
  await using stage = await makeStage(plan)
  for (const [section, part] of parts) {
    if (!only.includes(section)) continue
    told({ kind: 'section', section })
    for await (const one of part(stage, plan)) {
      plan.signal.throwIfAborted()
      add(one)
    }
  }
  let resolved: Pick<BenchDoctorReport, 'resolution' | 'usualResolution'> = {}
  if (only.includes('resolution')) {
    told({ kind: 'section', section: 'resolution' })
    const { sample, checks: made } = await resolve(stage, plan, beganMs + pairsUntilMs)
    made.forEach(add)
    resolved = await tellResolution(sample, { startedAt, told })
  }
  if (inject !== undefined) {
    told({ kind: 'section', section: 'positive-control' })
    add(await positiveControl(stage, inject, plan))
  }
  return {
    schema: 'meshmark.dev/bench-doctor/1',
    startedAt,
    tookMs: Math.round(performance.now() - beganMs),
    seed: plan.seed,
    isQuick: plan.isQuick,
    environment,
    checks,
    ...resolved,
    exitCode: exitCodeOf(checks),
  }
}

/** Says what this run's pairs can tell apart, and what machines like this one usually can; remembers them. */
async function tellResolution(
  sample: Sample,
  { startedAt, told }: Pick<ExamineInit, 'told'> & { readonly startedAt: string },
): Promise<Required<Pick<BenchDoctorReport, 'resolution' | 'usualResolution'>>> {
  const known = await calibration()
  const session = { at: startedAt, sample }
  const resolution = resolutionsOf(sample)
  const usualResolution = resolutionsOf(pooled([...known.sessions, session]))
  told({ kind: 'words', lines: resolutionText(resolution, 'Today') })
  if (known.sessions.length > 0)
    told({
      kind: 'words',
      lines: resolutionText(usualResolution, `Over ${known.sessions.length + 1} sessions here`),
    })
  if (resolution.length > 0) await remember(known, session)
  return { resolution, usualResolution }
}
