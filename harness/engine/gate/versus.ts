import type { ClusterProvider } from '../../model/cluster.ts'
import type { GateResult } from '../../model/gate.ts'
import type { BenchFacts } from '../../model/question.ts'
import { ResourceStack } from '../../model/resource-stack.ts'
import type { EnvironmentInfo, RunResult, SuiteInfo } from '../../model/run-result.ts'
import type { ScenarioContext } from '../../model/scenario.ts'
import type { Target } from '../../model/target.ts'
import type { Topology } from '../../model/topology.ts'
import { errorText, phase } from '../phase.ts'
import { resultOf } from '../result.ts'
import { noCluster, type RunOptions, tearDown } from '../run.ts'
import type { StageComponents } from '../stage.ts'
import { type Arena, openArena } from './arena.ts'
import { gate, type GatePlan, type GateStatistics } from './session.ts'

export interface VersusPlan {
  readonly runId: string
  /** Of the cluster that a target gets. */
  readonly topologyFor: (target: Target) => Topology
  readonly gate: GatePlan
  readonly suite: SuiteInfo
  /** See ScenarioContext. */
  readonly sampleImage?: string
  /** Sets up what is measured. */
  readonly prepare: (context: ScenarioContext) => Promise<BenchFacts>
}

/** A target, and who boots its cluster: what else runs in there is the target's choice. */
export interface Side {
  readonly target: Target
  readonly provider: ClusterProvider
}

export interface VersusComponents extends StageComponents {
  readonly baseline: Side
  readonly candidate: Side
  readonly statistics: GateStatistics
  readonly environment: () => Promise<EnvironmentInfo>
  readonly generatorCpus: readonly number[]
  readonly schemaVersion: string
}

/**
 * Compares two data planes, each in a cluster of its own, both up for the whole session; only one has load at a time.
 * @returns the result; `partial`, and without a verdict, when the signal was aborted on the way
 * @throws HarnessError when a cluster or a target could not be had
 */
export async function versus(
  plan: VersusPlan,
  components: VersusComponents,
  options: RunOptions,
): Promise<RunResult> {
  const startedAt = new Date()
  const began = performance.now()
  const environment = await components.environment()
  const problems: string[] = []
  const held = new ResourceStack()
  let candidate: Arena | undefined
  let compared: GateResult | undefined
  try {
    const baseline = await boot('baseline', plan, components, held, options)
    candidate = await boot('candidate', plan, components, held, options)
    compared = await compare(plan, { baseline, candidate }, components, options)
  } catch (error) {
    if (!options.signal.aborted) {
      if (candidate === undefined) throw error
      problems.push(`the session broke off: ${errorText(error)}`)
    }
  } finally {
    await tearDown(held, options, { problems })
  }
  const found = {
    partial: options.signal.aborted,
    problems,
    ...(compared !== undefined && { gate: compared }),
  }
  return resultOf(
    {
      ...plan,
      schemaVersion: components.schemaVersion,
      startedAt,
      began,
      implementation: candidate?.identity ?? {
        target: components.candidate.target.id,
        ...components.candidate.target.identity,
      },
      environment,
      cluster: candidate?.cluster ?? noCluster(components.candidate.provider),
    },
    found,
  )
}

async function boot(
  role: 'baseline' | 'candidate',
  plan: VersusPlan,
  components: VersusComponents,
  held: ResourceStack,
  { tell, signal, lastResort }: RunOptions,
): Promise<Arena> {
  const { generatorCpus, connectLoad, connectProbe } = components
  const { target, provider } = components[role]
  const { value } = await phase(
    { phase: 'provision', title: `Boot the ${role} (${target.id})`, tell },
    async () => {
      const arena = await openArena(
        {
          provider,
          target,
          topology: plan.topologyFor(target),
          runId: `${plan.runId}-${role === 'baseline' ? 'a' : 'b'}`,
          generatorCpus,
          connectLoad,
          connectProbe,
          prepare: plan.prepare,
          ...(plan.sampleImage !== undefined && { sampleImage: plan.sampleImage }),
        },
        {
          signal,
          progress: (line) => tell({ kind: 'phase-progress', phase: 'provision', line }),
          ...(lastResort !== undefined && { lastResort }),
        },
      )
      const { project, version } = arena.identity
      return { value: arena, summary: `${project} ${version} serves on every node` }
    },
  )
  return held.use(value)
}

async function compare(
  plan: VersusPlan,
  arenas: { readonly baseline: Arena; readonly candidate: Arena },
  { statistics }: VersusComponents,
  { tell, signal }: RunOptions,
): Promise<GateResult> {
  const { value } = await phase({ phase: 'bench', title: 'Compare', tell }, async () => {
    const result = await gate(plan.gate, { ...arenas, statistics, tell, signal })
    return { value: result, summary: result.verdict }
  })
  return value
}
