import type { AbortOptions } from '../../model/abort.ts'
import type { BareState } from '../../model/check.ts'
import type { ConformanceResult, TestResult } from '../../model/conformance.ts'
import { ResourceStack } from '../../model/resource-stack.ts'
import type { DeployedTarget } from '../../model/target.ts'
import { broughtBy } from '../brought.ts'
import { errorText, phase } from '../phase.ts'
import type { RunComponents, RunOptions, RunPlan } from '../run.ts'
import { type Stage, stage } from '../stage.ts'
import { lookBefore } from './bare.ts'
import { conform, type ConformPlan, type Judged } from './conform.ts'
import { installation, type Installation } from './installation.ts'
import { settle } from './settle.ts'
import { partOf, type Shape, shapesOf, skippedFor } from './shapes.ts'

/** A cluster with the target in it, and what was seen before that. */
export interface Here {
  readonly scene: Stage
  readonly deployed: Installation
  readonly bare: ReadonlyMap<string, BareState> | undefined
}

/** Judges the rows of a plan in this cluster, and those that want another shape in one of their own. */
export async function judgeConformance(
  plan: RunPlan,
  conformPlan: ConformPlan,
  here: Here,
  components: RunComponents,
  options: RunOptions,
  problems: string[],
): Promise<ConformanceResult> {
  const { tell } = options
  const { features } = components.target
  const { value } = await phase(
    { phase: 'conform', title: 'Judge conformance', tell },
    async () => {
      const judged = await judgeHere(plan, conformPlan, here, components, options, problems)
      const tests = [...judged.tests]
      for (const shape of shapesOf(judged.elsewhere)) {
        const why = options.signal.aborted ? 'the run was interrupted' : judged.stopped
        tests.push(
          ...(why === undefined
            ? await judgeElsewhere(plan, conformPlan, shape, components, options, problems).catch(
                (error: unknown) => skippedFor(conformPlan, shape, errorText(error), 'error'),
              )
            : skippedFor(conformPlan, shape, why, 'error')),
        )
      }
      const { holm } = conformanceOf(components)
      const { notAutomated } = judged
      const result = settle({ plan: conformPlan, features, tests, notAutomated, holm })
      const count = (status: string): number =>
        result.tests.filter((test) => test.status === status).length
      return {
        value: result,
        summary: `${result.conclusion}: ${count('passed')} of ${result.tests.length} rows passed, ${count('failed')} failed`,
      }
    },
  )
  return value
}

function conformanceOf({ conformance }: RunComponents): NonNullable<RunComponents['conformance']> {
  if (conformance === undefined) throw new Error('a conformance plan needs its components')
  return conformance
}

async function judgeHere(
  { runId }: RunPlan,
  plan: ConformPlan,
  { scene, deployed, bare }: Here,
  components: RunComponents,
  { tell, signal }: RunOptions,
  problems: string[],
): Promise<Judged> {
  const { backends, keepEvidence } = conformanceOf(components)
  return conform(plan, scene, {
    runId,
    features: components.target.features,
    target: deployed,
    ...(bare !== undefined && { bare }),
    backendImage: (await scene.cluster.loadImage?.(backends, { signal })) ?? backends.name,
    keepEvidence,
    tell,
    signal,
    problem: (text) => problems.push(text),
  })
}

/** Rows that want a cluster of another shape, on one of their own. */
async function judgeElsewhere(
  plan: RunPlan,
  conformPlan: ConformPlan,
  shape: Shape,
  components: RunComponents,
  options: RunOptions,
  problems: string[],
): Promise<readonly TestResult[]> {
  const { provider, target } = components
  if (provider.makesMore !== true)
    return skippedFor(conformPlan, shape, `provider ${provider.id} makes no other one beside it`)
  const { signal, lastResort } = options
  await using held = new ResourceStack()
  const runId = `${plan.runId}-shape`
  const cluster = held.use(
    await provider.create(
      { ...plan.topology, ...shape.topology },
      {
        runId,
        signal,
        isBeside: true,
        ...(await broughtBy(target)),
        ...(lastResort !== undefined && { lastResort }),
      },
    ),
  )
  const { features } = target
  const part = partOf(conformPlan, shape.checks)
  const bare = await lookBefore(part, cluster, { ...components, features }, { signal })
  const again = (more: AbortOptions): Promise<DeployedTarget> => target.deploy(cluster, more)
  const deployed = held.use(installation(await again({ signal }), again))
  await deployed.ready({ signal })
  const scene = held.use(stage(cluster, deployed, { ...components, features }))
  const { tests, elsewhere } = await judgeHere(
    { ...plan, runId },
    part,
    { scene, deployed, bare },
    components,
    options,
    problems,
  )
  const unfit = elsewhere.length === 0 ? [] : skippedFor(conformPlan, shape, 'none was made')
  return [...tests, ...unfit]
}
