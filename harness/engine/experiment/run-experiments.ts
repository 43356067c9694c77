import type { AbortOptions } from '../../model/abort.ts'
import type { ImageSource, Position } from '../../model/cluster.ts'
import {
  type Experiment,
  type ExperimentContext,
  type ExperimentResult,
  type ReplicateResult,
  Skip,
} from '../../model/experiment.ts'
import { LoadError } from '../../model/errors.ts'
import type { LoadGenerator } from '../../model/load.ts'
import type { BenchFacts } from '../../model/question.ts'
import { ResourceStack } from '../../model/resource-stack.ts'
import type { Installation } from '../conform/installation.ts'
import type { CoexistenceGuard } from '../coexistence.ts'
import type { Listener } from '../events.ts'
import { errorText } from '../phase.ts'
import type { Stage } from '../stage.ts'
import type { ExperimentStatistics } from '../statistics.ts'
import { concludeExperiment } from './conclude.ts'
import { whyGroundless, whyNot } from './why-not.ts'

export interface ExperimentsInit extends AbortOptions {
  readonly experiments: readonly Experiment[]
  readonly isQuick: boolean
  readonly seed: number
  readonly facts: BenchFacts
  readonly stage: Stage
  readonly installation: Installation
  /** Source of the backends' image; its name alone is enough where containers are programs of this machine. */
  readonly backends: ImageSource
  readonly statistics: ExperimentStatistics
  readonly guard?: CoexistenceGuard
  readonly generatorCpus: readonly number[]
  readonly tell: Listener
}

/** Runs every experiment, one after the other, each on objects of its own; after each the target has to serve again. */
export async function runExperiments(init: ExperimentsInit): Promise<readonly ExperimentResult[]> {
  const results: ExperimentResult[] = []
  for (const experiment of init.experiments) {
    if (init.signal.aborted) break
    results.push(await runOne(experiment, init))
  }
  return results
}

async function runOne(experiment: Experiment, init: ExperimentsInit): Promise<ExperimentResult> {
  const { stage, statistics, installation, signal, guard } = init
  const replicates: ReplicateResult[] = []
  const conclude = (more: Partial<Pick<ExperimentResult, 'status' | 'reason'>> = {}) =>
    concludeExperiment(experiment, replicates, statistics, more)
  const missing = whyNot(experiment, stage.features, stage.cluster.capabilities)
  if (missing !== undefined) return conclude({ status: 'skipped', reason: missing })
  const say = (line: string): void => {
    init.tell({ kind: 'phase-progress', phase: 'bench', line: `${experiment.id}: ${line}` })
  }
  const groundless = whyGroundless(experiment, init.facts)
  if (groundless !== undefined) {
    say(`left out: ${groundless}`)
    return conclude({ status: 'unanswered', reason: groundless })
  }
  const held = new ResourceStack()
  let reason: string | undefined
  let status: ExperimentResult['status'] | undefined
  try {
    await guard?.foreignConnections({ signal })
    say(experiment.title)
    const context = contextOf(experiment, held, say, init)
    let startedAt = new Date().toISOString()
    for await (const { censored = [], invalid = [], ...replicate } of experiment.run(context)) {
      replicates.push({ ...replicate, censored, invalid, startedAt })
      say(`${replicates.length} of about ${context.replicates}`)
      startedAt = new Date().toISOString()
    }
    const foreign = (await guard?.foreignConnections({ signal })) ?? 0
    if (foreign > 0) throw foreignError(foreign)
  } catch (error) {
    if (error instanceof Skip && replicates.length === 0) status = 'skipped'
    // why: the numbers before it are those of somebody else, too
    if (error instanceof LoadError && error.code === 'foreign-answer') status = 'unanswered'
    reason = signal.aborted ? 'the run was interrupted' : errorText(error)
  }
  try {
    await held[Symbol.asyncDispose]()
    if (!signal.aborted) await installation.restore({ signal })
  } catch (error) {
    reason ??= `afterwards: ${errorText(error)}`
  }
  return conclude({
    ...(status !== undefined && { status }),
    ...(reason !== undefined && { reason }),
  })
}

function foreignError(connections: number): LoadError {
  return new LoadError(
    'foreign-answer',
    `kube-proxy, which runs beside the target, took ${connections} connections: these are not the target's numbers`,
    { hint: 'use --kube-proxy-mode none' },
  )
}

function contextOf(
  experiment: Experiment,
  held: ResourceStack,
  say: (line: string) => void,
  init: ExperimentsInit,
): ExperimentContext {
  const { stage, installation, facts, backends, statistics, generatorCpus, signal } = init
  const { cluster, features } = stage
  const options = { signal }
  const load = async (at: Position): Promise<LoadGenerator> =>
    held.use(await stage.load([at], generatorCpus.slice(0, 1), options))
  const watchers = new Map<string, Promise<LoadGenerator>>()
  const watcher = (at: Position): Promise<LoadGenerator> => {
    const key = `${at.node}/${at.network}`
    const known = watchers.get(key) ?? load(at)
    watchers.set(key, known)
    return known
  }
  let image: Promise<string> | undefined
  const seed = (init.seed ^ hash(experiment.id)) >>> 0
  return {
    cluster,
    features,
    target: installation,
    facts,
    replicates: experiment.replicates[init.isQuick ? 'quick' : 'full'],
    seed,
    random: statistics.random(seed),
    backendImage: () =>
      (image ??= cluster.loadImage?.(backends, options) ?? Promise.resolve(backends.name)),
    probe: (at) => stage.probe(at, options),
    load,
    watch: async (at, job) => {
      const generator = await watcher(at)
      if (generator.watch === undefined) throw new LoadError('invalid-job', 'nothing can watch')
      return held.use(await generator.watch(job, options))
    },
    apply: async (manifests) => {
      held.use(await cluster.apply(manifests, options))
    },
    tell: say,
    signal,
  }
}

/** FNV-1a: another stream of random numbers for every experiment. */
function hash(text: string): number {
  let value = 0x811c_9dc5
  for (const character of text)
    value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 0x0100_0193)
  return value >>> 0
}
