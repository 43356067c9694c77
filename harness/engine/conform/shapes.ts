import type { Check } from '../../model/check.ts'
import type { TestResult } from '../../model/conformance.ts'
import type { ConformPlan } from './conform.ts'
import { notRun } from './run-check.ts'

/** Checks that want a cluster of the same shape. */
export interface Shape {
  readonly topology: NonNullable<Check['topology']>
  readonly checks: readonly Check[]
}

/** Checks by the shape that they want, in the order in which shapes appear. */
export function shapesOf(checks: readonly Check[]): readonly Shape[] {
  const shapes = new Map<string, { topology: Shape['topology']; checks: Check[] }>()
  for (const check of checks) {
    const { topology = {} } = check
    const key = JSON.stringify(Object.entries(topology).sort())
    const shape = shapes.get(key) ?? { topology, checks: [] }
    shape.checks.push(check)
    shapes.set(key, shape)
  }
  return [...shapes.values()]
}

/** The part of a plan that these checks judge. */
export function partOf(plan: ConformPlan, checks: readonly Check[]): ConformPlan {
  const rows = new Set(checks.map(({ requirement }) => requirement))
  return { ...plan, checks, requirements: plan.requirements.filter(({ id }) => rows.has(id)) }
}

/** Rows whose shape could not be had. */
export function skippedFor(
  plan: ConformPlan,
  { topology, checks }: Shape,
  why: string,
  status: 'skipped' | 'error' = 'skipped',
): readonly TestResult[] {
  const wanted = Object.entries(topology).map(([key, value]) => `${key} ${value}`)
  return partOf(plan, checks).requirements.map((requirement) =>
    notRun(requirement, plan, status, `it wants a cluster with ${wanted.join(', ')}, and ${why}`),
  )
}
