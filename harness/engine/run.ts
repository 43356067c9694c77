import type { AbortOptions } from '../model/abort.ts'
import type { Cluster, ClusterProvider, ImageSource } from '../model/cluster.ts'
import type { ConformanceResult, EvidenceFile } from '../model/conformance.ts'
import { ResourceStack } from '../model/resource-stack.ts'
import type {
  BenchResult,
  ClusterInfo,
  EnvironmentInfo,
  RunResult,
  SuiteInfo,
  WalkthroughResult,
} from '../model/run-result.ts'
import type { Scenario } from '../model/scenario.ts'
import type { DeployedTarget, Identity, Target } from '../model/target.ts'
import type { Topology } from '../model/topology.ts'
import { bench, type BenchPlan } from './bench.ts'
import { type CoexistenceGuard, coexistenceGuard } from './coexistence.ts'
import { lookBefore } from './conform/bare.ts'
import type { ConformPlan } from './conform/conform.ts'
import { installation, type Installation } from './conform/installation.ts'
import { judgeConformance } from './conform/judge-conformance.ts'
import type { Evidence } from './conform/run-check.ts'
import type { Listener } from './events.ts'
import { broughtBy } from './brought.ts'
import { loadPositions } from './load-positions.ts'
import { errorText, phase } from './phase.ts'
import { resultOf } from './result.ts'
import { stage, type StageComponents } from './stage.ts'
import type { ExperimentStatistics, Statistics } from './statistics.ts'
import { tellScenario } from './tell.ts'

/** What one run is to do: made once from the configuration, changed by nobody. */
export interface RunPlan {
  readonly runId: string
  readonly topology: Topology
  /** The cluster stays, without the target. */
  readonly keep?: boolean
  /** See ScenarioContext. */
  readonly sampleImage?: string
  readonly walkthrough?: Scenario
  readonly conform?: ConformPlan
  readonly bench?: BenchPlan
  readonly suite: SuiteInfo
  /** Where logs, events and objects go when a step failed. */
  readonly evidenceDirectory: string
}

export interface RunComponents extends StageComponents {
  readonly provider: ClusterProvider
  readonly target: Target
  readonly statistics: Statistics
  readonly environment: () => Promise<EnvironmentInfo>
  readonly generatorCpus: readonly number[]
  /** What conformance needs beside the target; absent where no plan conforms. */
  readonly conformance?: {
    /** The backends' image; where containers are programs of this machine its name alone is enough. */
    readonly backends: ImageSource
    readonly holm: (p: readonly number[]) => readonly number[]
    readonly keepEvidence: (id: string, evidence: readonly Evidence[]) => Promise<EvidenceFile[]>
  }
  /** What experiments need; absent where no plan has any. */
  readonly experiments?: {
    readonly backends: ImageSource
    readonly statistics: ExperimentStatistics
  }
  /** The schema that results are written in. */
  readonly schemaVersion: string
}

export interface RunOptions extends AbortOptions {
  readonly tell: Listener
  /** See CreateOptions. */
  readonly lastResort?: (undo: () => void) => void
}

/** What the run has found so far; a partial result is made of it when the run is cut short. */
interface Findings {
  cluster?: ClusterInfo
  identity?: Partial<Pick<Identity, 'version' | 'mode'>>
  walkthrough?: WalkthroughResult
  conformance?: ConformanceResult
  bench?: BenchResult
  readonly problems: string[]
}

/**
 * provision -> deploy -> drive -> record -> judge. Everything is undone at the end, whatever happened.
 * @returns the result; `partial` when the signal was aborted on the way
 * @throws HarnessError when no cluster or no target could be had: there is nothing to report then
 */
export async function run(
  plan: RunPlan,
  components: RunComponents,
  options: RunOptions,
): Promise<RunResult> {
  const startedAt = new Date()
  const began = performance.now()
  const environment = await components.environment()
  const findings: Findings = { problems: [] }
  await drive(plan, components, options, findings).catch((error: unknown) => {
    if (!options.signal.aborted) throw error
  })
  const partial = options.signal.aborted
  const { cluster, walkthrough, conformance, bench: benchResult, problems } = findings
  const found = {
    partial,
    problems,
    ...(walkthrough !== undefined && { walkthrough }),
    ...(conformance !== undefined && { conformance }),
    ...(benchResult !== undefined && { bench: benchResult }),
  }
  return resultOf(
    {
      ...plan,
      schemaVersion: components.schemaVersion,
      startedAt,
      began,
      implementation: {
        target: components.target.id,
        ...components.target.identity,
        ...findings.identity,
      },
      environment,
      cluster: cluster ?? noCluster(components.provider),
    },
    found,
  )
}

async function drive(
  plan: RunPlan,
  components: RunComponents,
  options: RunOptions,
  findings: Findings,
): Promise<void> {
  const held = new ResourceStack()
  try {
    const { cluster, readyMs } = await provision(plan, components, options)
    held.use(cluster)
    // why: a node that is not there is told before anything is measured
    if (plan.bench !== undefined) loadPositions(cluster, plan.bench.loadNodes)
    if (plan.keep === true) await keepIt(cluster, options)
    findings.cluster = describeCluster(cluster, readyMs)
    const bare =
      plan.conform === undefined
        ? undefined
        : await lookBefore(
            plan.conform,
            cluster,
            { ...components, features: components.target.features },
            options,
          )
    const deployed = await deploy(cluster, components, options)
    held.use(deployed.target)
    findings.cluster = { ...findings.cluster, targetReadyMs: deployed.readyMs }
    if (deployed.target.identity !== undefined)
      findings.identity = await deployed.target.identity(options)
    const guard = await coexistenceGuard(cluster, components.target, options)
    const scene = held.use(
      stage(cluster, deployed.target, {
        ...components,
        features: components.target.features,
        ...(plan.sampleImage !== undefined && { sampleImage: plan.sampleImage }),
      }),
    )
    if (plan.walkthrough !== undefined)
      findings.walkthrough = await walk(plan.walkthrough, scene, guard, components, options)
    if (
      findings.walkthrough?.steps.some(
        ({ status }) => status === 'failed' || status === 'inconclusive',
      ) === true
    )
      await cluster.collect(plan.evidenceDirectory, options).catch((error: unknown) => {
        findings.problems.push(`evidence could not be collected: ${errorText(error)}`)
      })
    if (plan.conform !== undefined && !options.signal.aborted)
      findings.conformance = await judgeConformance(
        plan,
        plan.conform,
        { scene, deployed: deployed.target, bare },
        components,
        options,
        findings.problems,
      )
    if (plan.bench !== undefined && !options.signal.aborted)
      await measure(
        plan.bench,
        { scene, guard, installation: deployed.target },
        components,
        options,
        findings,
      )
  } finally {
    await tearDown(held, options, findings)
  }
}

/** The cluster stays; whoever asked for it has to know its name. */
async function keepIt(cluster: Cluster, { tell }: RunOptions): Promise<void> {
  await cluster.keep?.()
  const { name } = cluster
  if (name === undefined) return
  const line = `the cluster ${name} stays: use it with --cluster ${name}, remove it with: meshmark down ${name}`
  tell({ kind: 'phase-progress', phase: 'provision', line })
}

async function provision(
  plan: RunPlan,
  { provider, target }: RunComponents,
  { tell, signal, lastResort }: RunOptions,
): Promise<{ readonly cluster: Cluster; readonly readyMs: number }> {
  const { value, durationMs } = await phase(
    { phase: 'provision', title: `Boot a cluster (${provider.id})`, tell },
    async () => {
      const cluster = await provider.create(plan.topology, {
        runId: plan.runId,
        signal,
        ...(await broughtBy(target)),
        progress: (line) => tell({ kind: 'phase-progress', phase: 'provision', line }),
        ...(lastResort !== undefined && { lastResort }),
      })
      return { value: cluster, summary: cluster.nodes.map((node) => node.name).join(', ') }
    },
  )
  return { cluster: value, readyMs: durationMs }
}

async function deploy(
  cluster: Cluster,
  { target }: RunComponents,
  { tell, signal }: RunOptions,
): Promise<{ readonly target: Installation; readonly readyMs: number }> {
  const { value, durationMs } = await phase(
    { phase: 'deploy', title: `Deploy the target (${target.id})`, tell },
    async () => {
      const deployed = await target.deploy(cluster, { signal })
      try {
        await deployed.ready({ signal })
      } catch (error) {
        await deployed[Symbol.asyncDispose]()
        throw error
      }
      return {
        value: deployed,
        summary: `${target.identity.project} ${target.identity.version} serves on every node`,
      }
    },
  )
  const again = (more: AbortOptions): Promise<DeployedTarget> => target.deploy(cluster, more)
  return { target: installation(value, again), readyMs: durationMs }
}

async function walk(
  scenario: Scenario,
  scene: ReturnType<typeof stage>,
  guard: CoexistenceGuard,
  { target }: RunComponents,
  { tell, signal }: RunOptions,
): Promise<WalkthroughResult> {
  const { value } = await phase(
    { phase: 'walkthrough', title: 'Walk the tutorial', tell },
    async () => {
      const result = await tellScenario(scenario, scene, {
        features: target.features,
        guard,
        tell,
        signal,
      })
      const passed = result.steps.filter((step) => step.status === 'passed').length
      return { value: result, summary: `${passed} of ${result.steps.length} steps passed` }
    },
  )
  return value
}

async function measure(
  plan: BenchPlan,
  {
    scene,
    guard,
    installation: installed,
  }: {
    readonly scene: ReturnType<typeof stage>
    readonly guard: CoexistenceGuard
    readonly installation: Installation
  },
  components: RunComponents,
  { tell, signal }: RunOptions,
  findings: Findings,
): Promise<void> {
  try {
    await phase({ phase: 'bench', title: 'Measure', tell }, async () => {
      const { statistics, generatorCpus, experiments } = components
      findings.bench = await bench(plan, scene, {
        statistics,
        generatorCpus,
        guard,
        ...(experiments !== undefined && {
          experiments: { ...experiments, installation: installed },
        }),
        tell,
        signal,
      })
      const { order, experiments: more = [] } = findings.bench
      const replicates = more.reduce((sum, one) => sum + one.replicates.length, 0)
      return {
        value: undefined,
        summary: [
          ...(order.length > 0 ? [`${order.length} trials`] : []),
          ...(more.length > 0 ? [`${replicates} replicates of ${more.length} experiments`] : []),
        ].join(', '),
      }
    })
  } catch (error) {
    if (!signal.aborted) findings.problems.push(`the benchmark broke off: ${errorText(error)}`)
  }
}

/** Undoes everything; what could not be undone is a problem of the run. */
export async function tearDown(
  held: ResourceStack,
  { tell }: Pick<RunOptions, 'tell'>,
  findings: Pick<Findings, 'problems'>,
): Promise<void> {
  try {
    await phase({ phase: 'dispose', title: 'Clean up', tell }, async () => {
      await held[Symbol.asyncDispose]()
      return { value: undefined, summary: 'nothing left behind' }
    })
  } catch (error) {
    findings.problems.push(`clean-up was not complete: ${errorText(error)}`)
  }
}

/** A cluster as results tell of it. */
export function describeCluster(cluster: Cluster, readyMs: number): ClusterInfo {
  return {
    provider: cluster.provider,
    nodes: cluster.nodes.map(({ name, role, address, lan }) => ({ name, role, address, lan })),
    readyMs,
    description: cluster.description,
  }
}

/** Where no cluster could be had. */
export function noCluster(provider: ClusterProvider): ClusterInfo {
  return { provider: provider.id, nodes: [], readyMs: 0, description: {} }
}
