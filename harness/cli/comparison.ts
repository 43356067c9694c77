import { join, resolve } from 'node:path'
import { readSettings } from '../config/settings.ts'
import { versus, type VersusPlan } from '../engine/gate/versus.ts'
import { gateRules, lookAt } from '../measure/gate/rule.ts'
import { randomStream } from '../measure/random.ts'
import { UsageError } from '../model/errors.ts'
import type { ClusterProvider } from '../model/cluster.ts'
import type { RunResult } from '../model/run-result.ts'
import type { Target } from '../model/target.ts'
import { questions } from '../../scenarios/index.ts'
import { gatedMetrics } from '../../scenarios/bench/gated.ts'
import { prepareBench } from '../../scenarios/bench/prepare.ts'
import { providerNamed, targetNamed } from './adapters.ts'
import { baselineNamed } from './baseline.ts'
import { interruptedExitCode, interruption } from './interrupt.ts'
import type { RunFlags } from './options.ts'
import { stderr, stdout } from './output.ts'
import { progress } from './progress.ts'
import { newRunId } from './run-id.ts'
import {
  makeDirectory,
  readyFor,
  record,
  runComponents,
  suiteInfo,
  topologyFor,
} from './session.ts'
import { summary } from './summary.ts'

export interface ComparisonFlags extends RunFlags {
  readonly vs: string
  readonly profile: 'pr' | 'release'
  readonly gate: boolean
  readonly strict: boolean
}

/** `bench --vs`: from flags to files. Gives the exit code. */
export async function comparison(flags: ComparisonFlags): Promise<number> {
  const settings = await readSettings(flags.config)
  const targetName = flags.target ?? settings.target ?? 'reference'
  if (flags.keep || flags.cluster !== undefined)
    throw new UsageError('--vs: each side gets a cluster of its own', [], {
      hint: 'leave out --keep and --cluster',
    })
  const providerName = flags.provider ?? settings.provider ?? 'local'
  const named = { ...flags, target: targetName, provider: providerName }
  const candidate = await targetNamed(targetName, flags)
  const baseline = await baselineNamed(flags.vs, named)
  if (baseline.isSameProgram)
    stderr(
      'candidate and baseline are the same program: this session compares it with itself (A/A), and shows what noise this machine has',
    )
  const providerFor = (target: Target): ClusterProvider =>
    providerNamed(providerName, { ...flags, target })
  const provider = providerFor(candidate)
  await readyFor(provider, flags)
  const runId = newRunId()
  const directory = resolve(flags.out ?? settings.out ?? join('meshmark-out', runId))
  await makeDirectory(directory)
  const seed = flags.seed ?? settings.seed ?? Math.trunc(Math.random() * 0xffff_ffff)
  const gated = gatedMetrics[flags.profile]
  const plan: VersusPlan = {
    runId,
    topologyFor: (target) => topologyFor(target, flags),
    ...(flags.nginxImage !== undefined && { sampleImage: flags.nginxImage }),
    prepare: prepareBench,
    gate: {
      profile: flags.profile,
      rule: gateRules[flags.profile],
      questions: questions.filter(({ id }) => gated.some(({ question }) => question === id)),
      gated,
      seed,
      spec: flags.vs,
      isSameProgram: baseline.isSameProgram,
    },
    suite: suiteInfo(seed),
  }
  const own = runComponents(provider, candidate, 1)
  using stop = interruption()
  const shown = progress()
  const result = await versus(
    plan,
    {
      ...own,
      baseline: { target: baseline.target, provider: providerFor(baseline.target) },
      candidate: { target: candidate, provider },
      statistics: { ...own.statistics, random: randomStream, lookAt },
    },
    { signal: stop.signal, lastResort: stop.lastResort, tell: shown.tell },
  ).finally(() => shown.finish())
  const files = await record(directory, result, true)
  stdout(flags.json ? JSON.stringify(result, null, 2) : summary(result, files))
  return result.partial ? interruptedExitCode : exitCodeOf(result, flags)
}

/** 2 for what cannot be believed, always; the others only when they are to gate. */
function exitCodeOf(
  { gate, conclusion }: RunResult,
  { gate: gates, strict }: Pick<ComparisonFlags, 'gate' | 'strict'>,
): number {
  if (gate === undefined || gate.verdict === 'invalid' || conclusion === 'invalid') return 2
  if (gate.verdict === 'regressed') return gates ? 1 : 0
  return gate.verdict === 'inconclusive' && strict ? 3 : 0
}
