import { mkdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { readSettings, type Settings } from '../config/settings.ts'
import { backendImageSource } from '../backends/image.ts'
import { defaultTopology } from '../clusters/local/topology.ts'
import type { ConformPlan } from '../engine/conform/conform.ts'
import { run, type RunComponents, type RunPlan } from '../engine/run.ts'
import { exitCode } from '../engine/judge.ts'
import { connectLoad } from '../load/client.ts'
import { environment } from '../measure/environment.ts'
import { holm } from '../measure/holm.ts'
import { coinFlips } from '../measure/order.ts'
import { hodgesLehmann, hodgesLehmannInterval } from '../measure/hodges-lehmann.ts'
import { medianInterval } from '../measure/median-interval.ts'
import { median } from '../measure/quantile.ts'
import { randomStream } from '../measure/random.ts'
import { theilSenSlope } from '../measure/theil-sen.ts'
import { UsageError } from '../model/errors.ts'
import type { ClusterProvider } from '../model/cluster.ts'
import type { RunResult, SuiteInfo } from '../model/run-result.ts'
import type { Target } from '../model/target.ts'
import type { Topology } from '../model/topology.ts'
import { connectProbe } from '../probes/client.ts'
import { reporters } from '../reporters/index.ts'
import { schemaVersion } from '../results/schema.ts'
import { writeResult } from '../results/write.ts'
import { type Asked, standardQuestions } from './questions.ts'
import { prepareBench } from '../../scenarios/bench/prepare.ts'
import { walkthrough } from '../../scenarios/walkthrough/index.ts'
import { providerNamed, targetNamed } from './adapters.ts'
import { setUp } from './doctor/install.ts'
import { evidenceWriter } from './evidence.ts'
import { gitState } from './git-state.ts'
import { interruptedExitCode, interruption } from './interrupt.ts'
import { agreed, type RunFlags } from './options.ts'
import { stderr, stdout } from './output.ts'
import { suiteVersion } from './package.ts'
import { progress } from './progress.ts'
import { newRunId } from './run-id.ts'
import { type K6Init, secondOpinionOfK6 } from './second-opinion/k6.ts'
import { summary } from './summary.ts'
import { writeText } from './write-text.ts'

/** How long tools may take to say that they are there. */
const preflightMs = 30_000

/** Pairs per question of the quick benchmark: six give an exact interval of 96.9 % confidence. */
export const quickPairs = 6

/** Pairs of the full benchmark (measurement.md 2.3). */
export const fullPairs = 12

/** A full benchmark's windows are this much longer, so that p99 has its 50 samples beyond it. */
export const fullWindowFactor = 4

export interface SessionPlan {
  readonly walkthrough: boolean
  readonly bench: 'none' | 'quick' | 'full'
  readonly pairs?: number
  /** What is asked; the standard questions unless told. */
  readonly asked?: Asked
  /** See BenchPlan. */
  readonly loadNodes?: readonly string[]
  /** Ask k6, too. */
  readonly secondOpinion: boolean
  /** Write report.html beside result.json. */
  readonly report: boolean
  /** Judge conformance; the seed is the run's. */
  readonly conform?: (seed: number) => ConformPlan
  /** Writes more beside the result, and tells what. */
  readonly moreFiles?: (directory: string, result: RunResult) => Promise<readonly string[]>
  /** Of a run that was not interrupted; by its conclusion unless told. */
  readonly exitCode?: (result: RunResult) => number
}

/** One run from flags to files: what walkthrough, bench and run have in common. Gives the exit code. */
export async function session(flags: RunFlags, what: SessionPlan): Promise<number> {
  const settings = await readSettings(flags.config)
  const target = await targetNamed(flags.target ?? settings.target ?? 'reference', flags)
  const provider = providerNamed(flags.provider ?? settings.provider ?? 'local', {
    ...flags,
    target,
    secondOpinion: what.secondOpinion,
  })
  await readyFor(provider, flags)
  const runId = newRunId()
  const directory = resolve(flags.out ?? settings.out ?? join('meshmark-out', runId))
  await makeDirectory(directory)
  const plan = runPlan({ runId, directory, target, flags, settings, what })
  const components = conformanceComponents(
    provider,
    target,
    directory,
    flags,
    what.loadNodes?.length ?? 1,
  )
  using stop = interruption()
  const shown = progress()
  const result = await run(plan, components, {
    signal: stop.signal,
    lastResort: stop.lastResort,
    tell: shown.tell,
  }).finally(() => shown.finish())
  const files = [
    ...(await record(directory, result, what.report)),
    ...((await what.moreFiles?.(directory, result)) ?? []),
  ]
  stdout(flags.json ? JSON.stringify(result, null, 2) : summary(result, files))
  if (result.partial) return interruptedExitCode
  return what.exitCode?.(result) ?? exitCode(result.conclusion)
}

/** @throws UsageError with everything that is missing for this provider, and the cures */
export async function readyFor(provider: ClusterProvider, flags: RunFlags): Promise<void> {
  if (provider.id === 'local') {
    await setUp({ agreed: agreed(flags), say: stderr })
    return
  }
  const problems = await provider.preflight({ signal: AbortSignal.timeout(preflightMs) })
  if (problems.length > 0)
    throw new UsageError(`provider ${provider.id} cannot make a cluster here`, problems)
}

/** The topology of a run: the default one, as the target wants its cluster built. */
export function topologyFor(
  target: Target,
  { ipFamily }: Pick<RunFlags, 'ipFamily'> = {},
): Topology {
  return {
    ...defaultTopology(),
    ...target.topology,
    ...(ipFamily === 'dual' && { ipv6: dualStack }),
  }
}

/** Rows that end the target on purpose are not to wait minutes for its next start. */
const longestRestartPauseMs = 1_000

/** Providers that can put name servers of ours into the nodes' resolv.conf. */
const withUpstreams: readonly string[] = ['local', 'kind']

/**
 * Name servers of ours stand for the world outside: on the first two nodes, where nodes' resolv.conf names them.
 * Two, because a target may have to live with a dead one.
 */
export function conformanceTopology(
  topology: Topology,
  { provider = 'local' }: { readonly provider?: string | undefined },
): Topology {
  if (!withUpstreams.includes(provider)) return topology
  const upstreamDns = topology.nodes.slice(0, 2).map(({ name }) => name)
  return {
    ...topology,
    longestRestartPauseMs,
    ...(upstreamDns.length > 0 && { upstreamDns }),
  }
}

/** Unique local addresses (RFC 4193), as kind chooses them itself. */
const dualStack = { podCidr: 'fd00:10:244::/56', serviceCidr: 'fd00:10:96::/112' } as const

function k6From({ k6Image, baseImage }: RunFlags): K6Init {
  return {
    ...(k6Image !== undefined && { image: k6Image }),
    ...(baseImage !== undefined && { baseImage }),
  }
}

interface PlanInit {
  readonly runId: string
  readonly directory: string
  readonly target: Target
  readonly flags: RunFlags
  readonly settings: Settings
  readonly what: SessionPlan
}

function runPlan({ runId, directory, target, flags, settings, what }: PlanInit): RunPlan {
  const seed = flags.seed ?? settings.seed ?? Math.trunc(Math.random() * 0xffff_ffff)
  const full = what.bench === 'full'
  const { questions, experiments } = what.asked ?? { questions: standardQuestions, experiments: [] }
  const topology = topologyFor(target, flags)
  return {
    runId,
    topology:
      what.conform === undefined
        ? topology
        : conformanceTopology(topology, {
            provider: flags.provider ?? settings.provider,
          }),
    keep: flags.keep,
    ...(flags.nginxImage !== undefined && { sampleImage: flags.nginxImage }),
    ...(what.walkthrough && { walkthrough }),
    ...(what.conform !== undefined && { conform: what.conform(seed) }),
    ...(what.bench !== 'none' && {
      bench: {
        questions: full
          ? questions.map((one) => ({ ...one, durationMs: one.durationMs * fullWindowFactor }))
          : questions,
        experiments,
        isQuick: !full,
        pairs: what.pairs ?? settings.bench?.pairs ?? (full ? fullPairs : quickPairs),
        seed,
        ...(what.loadNodes !== undefined && { loadNodes: what.loadNodes }),
        prepare: prepareBench,
        ...(what.secondOpinion && { secondOpinion: secondOpinionOfK6(k6From(flags)) }),
      },
    }),
    suite: suiteInfo(seed),
    evidenceDirectory: join(directory, 'evidence'),
  }
}

/** This suite, and how to repeat what it does. */
export function suiteInfo(seed: number): SuiteInfo {
  return {
    name: 'meshmark',
    version: suiteVersion(),
    ...gitState(),
    seed,
    argv: reproducibleArgv(seed),
  }
}

/** The arguments that repeat this run, seed included. */
function reproducibleArgv(seed: number): readonly string[] {
  const given = process.argv.slice(2)
  return given.includes('--seed') || given.some((word) => word.startsWith('--seed='))
    ? given
    : [...given, '--seed', String(seed)]
}

/** Adapters and statistics that every run needs. */
export function runComponents(
  provider: RunComponents['provider'],
  target: Target,
  generators: number,
  { baseImage }: Pick<RunFlags, 'baseImage'> = {},
): RunComponents {
  return {
    provider,
    target,
    connectProbe,
    connectLoad,
    statistics: { coinFlips, median, hodgesLehmann, interval: hodgesLehmannInterval },
    environment,
    experiments: {
      backends: backendImageSource(baseImage),
      statistics: { random: randomStream, slope: theilSenSlope, median, medianInterval },
    },
    generatorCpus: provider.id === 'kubeconfig' ? [] : generatorCpus(generators),
    schemaVersion,
  }
}

/** The last CPUs of this machine, which all nodes share, one for each generator; none when nothing would be left. */
function generatorCpus(generators: number): readonly number[] {
  const cpus = availableParallelism()
  return cpus > generators ? Array.from({ length: generators }, (_, index) => cpus - 1 - index) : []
}

/** Everything that a run is made of, conformance included. */
export function conformanceComponents(
  provider: ClusterProvider,
  target: Target,
  directory: string,
  { baseImage }: Pick<RunFlags, 'baseImage'>,
  generators: number = 1,
): RunComponents {
  return {
    ...runComponents(provider, target, generators, {
      ...(baseImage !== undefined && { baseImage }),
    }),
    conformance: {
      backends: backendImageSource(baseImage),
      holm,
      keepEvidence: evidenceWriter(directory),
    },
  }
}

export async function makeDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true }).catch((error: unknown) => {
    throw new UsageError(`--out ${directory} cannot be made: ${(error as Error).message}`, [], {
      hint: 'name a folder that can be written',
    })
  })
}

/** Writes the result, and a report of it. */
export async function record(
  directory: string,
  result: RunResult,
  withReport: boolean,
): Promise<readonly string[]> {
  const files = [await writeResult(directory, result)]
  const html = reporters.find((reporter) => reporter.id === 'html')
  if (withReport && html !== undefined) {
    const path = join(directory, `report${html.extension}`)
    await writeText(path, html.render([result]))
    files.push(path)
  }
  return files
}
