import type { AbortOptions } from '../../model/abort.ts'
import type { BareState, Check, Fixture, FixtureContext } from '../../model/check.ts'
import type { Capability, Cluster, ClusterNode } from '../../model/cluster.ts'
import type { ConformanceResult, EvidenceFile, TestResult } from '../../model/conformance.ts'
import type { Requirement } from '../../model/requirement.ts'
import { ResourceStack } from '../../model/resource-stack.ts'
import type { DeployedTarget, Feature } from '../../model/target.ts'
import type { Listener } from '../events.ts'
import { errorText } from '../phase.ts'
import type { Stage } from '../stage.ts'
import { fixturesOf } from './fixtures.ts'
import type { Installation } from './installation.ts'
import { namespacesOf } from './namespaces.ts'
import { type CheckStage, type Entry, type Evidence, notRun, runCheck } from './run-check.ts'
import type { Expectation } from './settle.ts'

/** What one conformance run is to do. */
export interface ConformPlan {
  /** The rows that the user selected, in the order in which they run. */
  readonly requirements: readonly Requirement[]
  readonly checks: readonly Check[]
  readonly catalogue: ConformanceResult['catalogue']
  readonly selection: Readonly<Record<string, string>>
  readonly seed: number
  /** Checks that may run at the same time, 1 or more. */
  readonly workers: number
  /** How often each check runs; verdicts that differ make it flaky. */
  readonly repeat: number
  /** Stops at the first failure of a MUST. */
  readonly failFast: boolean
  readonly expectations: readonly Expectation[]
  readonly reproduce: (id: string) => string
}

export interface ConformOptions extends AbortOptions {
  readonly runId: string
  readonly features: ReadonlySet<Feature>
  readonly target: Installation
  /** See CheckStage. */
  readonly bare?: ReadonlyMap<string, BareState>
  /** Image of the backends on this cluster. */
  readonly backendImage: string
  readonly keepEvidence: (id: string, evidence: readonly Evidence[]) => Promise<EvidenceFile[]>
  readonly tell: Listener
  /** Trouble that concerns no single row. */
  readonly problem: (text: string) => void
}

/** How long a target may take to serve again after a check that broke something. */
const recoveryMs = 90_000

/** What a run of the suite found on one cluster. */
export interface Judged {
  readonly tests: readonly TestResult[]
  readonly notAutomated: ConformanceResult['notAutomated']
  /** Checks that want a cluster of another shape. */
  readonly elsewhere: readonly Check[]
  /** Why nothing more was judged. */
  readonly stopped?: string
}

/**
 * Judges the selected rows: those that can share the cluster at the same time, several at once, then the disruptive ones
 * one by one. After each disruptive one the target has to be ready again, or nothing after it is judged.
 */
export async function conform(
  plan: ConformPlan,
  scene: Stage,
  options: ConformOptions,
): Promise<Judged> {
  const { runId, features, target, tell, signal, problem } = options
  const { cluster } = scene
  const namespaces = namespacesOf(cluster, runId)
  const shared = new ResourceStack()
  const context: FixtureContext = {
    cluster,
    nodes: edgeFirst(cluster),
    namespace: '',
    backendImage: options.backendImage,
    signal,
    probe: (at) => scene.probe(at, { signal }),
    keepForAll: (resource) => {
      shared.use(resource)
    },
  }
  const { runnable, settled, notAutomated, elsewhere } = triage(plan, cluster, features, target)
  const stage: CheckStage = {
    context,
    namespaces,
    fixtures: fixturesOf({ namespaces, context, uses: usesOf(runnable, plan.repeat) }),
    target,
    bare: options.bare ?? new Map(),
    features,
    seed: plan.seed,
    reproduce: plan.reproduce,
    problem,
    keepEvidence: options.keepEvidence,
  }
  const tests: TestResult[] = []
  let stopped: string | undefined
  const judge = async (entry: Entry, attempt: number): Promise<void> => {
    const test =
      stopped === undefined && !signal.aborted
        ? await runCheck(entry, stage, { signal, attempt })
        : notRun(entry.requirement, plan, 'error', stopped ?? 'the run was interrupted')
    tests.push(test)
    tell({ kind: 'check-finished', test })
    if (plan.failFast && test.status === 'failed' && test.level === 'MUST')
      stopped ??= `stopped at the first failure, ${test.id}`
  }
  // why: repetitions of a row share its namespace, so they follow each other
  const attempts = Array.from({ length: plan.repeat }, (_, index) => index + 1)
  try {
    await atOnce(
      runnable.filter(({ requirement }) => !requirement.disruptive),
      plan.workers,
      async (entry) => {
        for (const attempt of attempts) await judge(entry, attempt)
      },
    )
    for (const entry of runnable.filter(({ requirement }) => requirement.disruptive))
      for (const attempt of attempts) {
        await judge(entry, attempt)
        stopped ??= await notReadyAfter(entry, target, signal)
      }
  } finally {
    // why: rows that did not run never gave their fixtures back
    namespaces.removeAll()
  }
  await namespaces.settled().catch((error: unknown) => {
    problem(`namespaces of checks could not be removed: ${errorText(error)}`)
  })
  await shared[Symbol.asyncDispose]().catch((error: unknown) => {
    problem(`what all checks shared could not be removed: ${errorText(error)}`)
  })
  return {
    tests: [...settled, ...tests],
    notAutomated,
    elsewhere,
    ...(stopped !== undefined && { stopped }),
  }
}

async function notReadyAfter(
  { requirement }: Entry,
  target: DeployedTarget,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (signal.aborted) return undefined
  try {
    await target.ready({ signal: AbortSignal.any([signal, AbortSignal.timeout(recoveryMs)]) })
    return undefined
  } catch (error) {
    return `the target did not serve again after ${requirement.id}: ${errorText(error)}`
  }
}

interface Triage {
  readonly runnable: readonly Entry[]
  /** Rows whose verdict is known without a check. */
  readonly settled: readonly TestResult[]
  readonly notAutomated: ConformanceResult['notAutomated']
  readonly elsewhere: readonly Check[]
}

/** What clusters of namespaces are there for (environment N): nobody else can be expected to have it. */
const ofNamespaces: ReadonlySet<Capability> = new Set(['api-fault', 'multi-lan'])

/** @param target - as it was deployed; absent before that */
export function triage(
  plan: ConformPlan,
  cluster: Cluster,
  features: ReadonlySet<Feature>,
  target?: Pick<DeployedTarget, 'pods'>,
): Triage {
  const byRow = new Map(plan.checks.map((check) => [check.requirement, check]))
  const runnable: Entry[] = []
  const settled: TestResult[] = []
  const notAutomated: { id: string; reason: string }[] = []
  const elsewhere: Check[] = []
  for (const requirement of plan.requirements) {
    const { id, feature } = requirement
    const check = byRow.get(id)
    if (check === undefined) {
      notAutomated.push({ id, reason: requirement.notAutomated ?? 'no check yet' })
      continue
    }
    const cannot = (check.capabilities ?? []).filter((one) => !cluster.capabilities.has(one))
    if (feature !== undefined && !features.has(feature))
      settled.push(
        notRun(
          requirement,
          plan,
          'notSupported',
          `the target does not claim the feature ${feature}`,
        ),
      )
    else if (requirement.environment === 'K' && cannot.includes('kubernetes'))
      // why: the catalogue itself says that such a row is not for this kind of cluster
      notAutomated.push({ id, reason: `provider ${cluster.provider} is no real Kubernetes` })
    else if (isForNamespaces(requirement, cannot, cluster))
      notAutomated.push({
        id,
        reason: `provider ${cluster.provider} has no ${told(cannot)}; clusters of namespaces have`,
      })
    else if (cannot.length > 0)
      settled.push(
        notRun(requirement, plan, 'skipped', `provider ${cluster.provider} has no ${told(cannot)}`),
      )
    else {
      const needless = target && check.needless?.(target)
      if (needless !== undefined) settled.push(notRun(requirement, plan, 'skipped', needless))
      else if (!fits(check, cluster)) elsewhere.push(check)
      else runnable.push({ requirement, check })
    }
  }
  return { runnable, settled, notAutomated, elsewhere }
}

/** Provider local has clusters of namespaces; what one of them lacks, another one of the same provider has. */
function isForNamespaces(
  { environment }: Requirement,
  cannot: readonly Capability[],
  { provider }: Cluster,
): boolean {
  if (environment !== 'N' || provider === 'local' || cannot.length === 0) return false
  return cannot.every((one) => ofNamespaces.has(one))
}

function told(capabilities: readonly string[]): string {
  return capabilities.join(', ').replaceAll('-', ' ')
}

function fits({ topology = {} }: Check, cluster: Cluster): boolean {
  const built: Readonly<Record<string, unknown>> = { ...cluster.topology }
  return Object.entries(topology).every(([key, value]) => built[key] === value)
}

function usesOf(entries: readonly Entry[], repeat: number): ReadonlyMap<string, number> {
  const uses = new Map<string, number>()
  const count = ({ id }: Fixture): void => {
    uses.set(id, (uses.get(id) ?? 0) + repeat)
  }
  for (const { check } of entries) for (const fixture of check.fixtures ?? []) count(fixture)
  return uses
}

/** Edge nodes first, the control plane last. */
export function edgeFirst({ nodes }: Cluster): readonly ClusterNode[] {
  const rank = { edge: 0, worker: 1, master: 2 } as const
  return [...nodes].sort((a, b) => rank[a.role] - rank[b.role])
}

async function atOnce<T>(
  items: readonly T[],
  workers: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items]
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await work(next)
  }
  await Promise.all(Array.from({ length: workers }, worker))
}
