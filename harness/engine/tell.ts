import type { AbortOptions } from '../model/abort.ts'
import { ResourceStack } from '../model/resource-stack.ts'
import type { StepResult, WalkthroughResult } from '../model/run-result.ts'
import type { Scenario, ScenarioContext, Step } from '../model/scenario.ts'
import type { Feature } from '../model/target.ts'
import type { Listener } from './events.ts'
import { errorText } from './phase.ts'
import type { Stage } from './stage.ts'

export interface TellOptions extends AbortOptions {
  readonly features: ReadonlySet<Feature>
  readonly tell: Listener
}

/**
 * Tells a scenario: every step in order, each judged. A step that throws is inconclusive (trouble of the harness);
 * after a failed or inconclusive step the rest still runs, because one answer must not hide the others.
 */
export async function tellScenario(
  scenario: Scenario,
  stage: Stage,
  { features, tell, signal }: TellOptions,
): Promise<WalkthroughResult> {
  const steps: StepResult[] = []
  const held = new ResourceStack()
  try {
    const context = stage.context(held, { signal })
    for (const step of scenario.steps) {
      const result = signal.aborted
        ? notRun(step, 'the run was interrupted')
        : await judgeStep(step, context, features)
      steps.push(result)
      tell({ kind: 'step-finished', step: result })
    }
  } finally {
    await held[Symbol.asyncDispose]()
  }
  return {
    scenario: scenario.id,
    title: scenario.title,
    ...(scenario.source.url !== undefined && { sourceUrl: scenario.source.url }),
    steps,
  }
}

async function judgeStep(
  step: Step,
  context: ScenarioContext,
  features: ReadonlySet<Feature>,
): Promise<StepResult> {
  const missing = (step.needs ?? []).filter((feature) => !features.has(feature))
  if (missing.length > 0)
    return notRun(step, `the target does not claim the feature ${missing.join(', ')}`)
  const cannot = (step.capabilities ?? []).filter(
    (capability) => !context.cluster.capabilities.has(capability),
  )
  if (cannot.length > 0) return notRun(step, `no ${cannot.join(', ').replaceAll('-', ' ')}`)
  const startedAt = performance.now()
  try {
    const judgement = await step.run(context)
    const durationMs = performance.now() - startedAt
    if (judgement.kind === 'skipped') return { ...notRun(step, judgement.reason), durationMs }
    const command = judgement.command ?? step.command
    return {
      id: step.id,
      title: step.title,
      ...(command !== undefined && { command }),
      status: judgement.kind,
      expected: judgement.expected,
      seen: judgement.seen,
      durationMs,
    }
  } catch (error) {
    const durationMs = performance.now() - startedAt
    const reason = context.signal.aborted ? 'the run was interrupted' : errorText(error)
    return { ...notRun(step, reason), status: 'inconclusive', durationMs }
  }
}

function notRun(step: Step, reason: string): StepResult {
  return {
    id: step.id,
    title: step.title,
    ...(step.command !== undefined && { command: step.command }),
    status: 'skipped',
    reason,
    durationMs: 0,
  }
}
