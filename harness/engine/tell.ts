import type { AbortOptions } from '../model/abort.ts'
import { ResourceStack } from '../model/resource-stack.ts'
import type { StepResult, WalkthroughResult } from '../model/run-result.ts'
import type { Scenario, ScenarioContext, Step } from '../model/scenario.ts'
import type { Feature } from '../model/target.ts'
import type { CoexistenceGuard } from './coexistence.ts'
import type { Listener } from './events.ts'
import { errorText } from './phase.ts'
import type { Stage } from './stage.ts'

export interface TellOptions extends AbortOptions {
  readonly features: ReadonlySet<Feature>
  readonly guard?: CoexistenceGuard
  readonly tell: Listener
}

/**
 * Tells a scenario: every step in order, each judged. A step that throws is inconclusive (trouble of the harness);
 * after a failed or inconclusive step the rest still runs, because one answer must not hide the others.
 */
export async function tellScenario(
  scenario: Scenario,
  stage: Stage,
  { features, guard, tell, signal }: TellOptions,
): Promise<WalkthroughResult> {
  const steps: StepResult[] = []
  const held = new ResourceStack()
  try {
    const context = stage.context(held, { signal })
    for (const step of scenario.steps) {
      const result = signal.aborted
        ? notRun(step, 'the run was interrupted')
        : await judgedAlone(step, context, { features, ...(guard !== undefined && { guard }) })
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

/**
 * A step that passed with kube-proxy's help is run once more: a connection that was made before the target knew of
 * the Service goes on to kube-proxy. The second time there is no such excuse, and nothing is proven.
 */
async function judgedAlone(
  step: Step,
  context: ScenarioContext,
  { features, guard }: Pick<TellOptions, 'features' | 'guard'>,
): Promise<StepResult> {
  const first = await judgeStep(step, context, features)
  if (guard === undefined || first.status !== 'passed') return first
  if ((await guard.foreignConnections(context)) === 0) return first
  const second = await judgeStep(step, context, features)
  const foreign = await guard.foreignConnections(context)
  if (second.status !== 'passed' || foreign === 0) return second
  const reason = `kube-proxy, which runs beside the target, took ${foreign} of its connections: this is not the target's work (use --kube-proxy-mode none)`
  return { ...notRun(step, reason), status: 'inconclusive', durationMs: second.durationMs }
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
