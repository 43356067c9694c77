import type { AbortOptions } from '../model/abort.ts'
import type { LoadGenerator, LoadJob, LoadResult, LoadTarget } from '../model/load.ts'
import type { Question } from '../model/question.ts'
import type { BenchTrial } from '../model/run-result.ts'
import type { Stage } from './stage.ts'

export interface TrialInit {
  readonly question: Question
  readonly pair: number
  readonly job: LoadJob
}

/** The job of one arm in a pair; both arms of a pair get the same seed, so the same arrivals. */
export function jobOf(
  question: Question,
  request: LoadTarget,
  { seed, pair }: { readonly seed: number; readonly pair: number },
): LoadJob {
  return {
    target: request,
    profile: question.profile,
    warmupMs: question.warmupMs,
    durationMs: question.durationMs,
    seed: (seed + pair * 7919) >>> 0,
  }
}

/** One warm-up and measured window of one arm. */
export async function runTrial(
  { question, pair, job }: TrialInit,
  generator: LoadGenerator,
  stage: Stage,
  options: AbortOptions,
): Promise<{ readonly trial: BenchTrial; readonly tool: string }> {
  const startedAt = new Date().toISOString()
  const cpuBeforeUs = await targetCpuUs(stage, options)
  const result = await generator.run(job, options)
  const cpuAfterUs = await targetCpuUs(stage, options)
  const valid = result.invalid.length === 0
  const value = metricOf(question, result)
  const { p50Us, p90Us, p99Us, p999Us } = result.response
  const requests = requestsWithWarmup(job, result)
  const trial: BenchTrial = {
    pair,
    startedAt,
    valid: valid && value !== undefined,
    invalid:
      value === undefined ? [...result.invalid, 'too few samples for the metric'] : result.invalid,
    ...(valid && value !== undefined && { value }),
    count: result.completed,
    failures: result.failures,
    achievedRps: result.achievedRps,
    ...(p50Us !== undefined && { p50Us }),
    ...(p90Us !== undefined && { p90Us }),
    ...(p99Us !== undefined && { p99Us }),
    ...(p999Us !== undefined && { p999Us }),
    ...(result.lag.p99Us !== undefined && { lagP99Us: result.lag.p99Us }),
    ...(cpuBeforeUs !== undefined &&
      cpuAfterUs !== undefined &&
      // why: a target that was restarted in between has counted from nothing
      cpuAfterUs >= cpuBeforeUs &&
      requests > 0 && { targetCpuUsPerRequest: (cpuAfterUs - cpuBeforeUs) / requests }),
    generatorUtilization: result.generator.eventLoopUtilization,
    histogram: result.response.encoded,
  }
  return { trial, tool: result.generator.tool }
}

function metricOf(question: Question, result: LoadResult): number | undefined {
  return question.metric === 'response-p50' ? result.response.p50Us : result.achievedRps
}

/** The target works for the warm-up as well, so its CPU time is shared out over both. */
function requestsWithWarmup(job: LoadJob, result: LoadResult): number {
  return result.completed * ((job.warmupMs + job.durationMs) / job.durationMs)
}

async function targetCpuUs(stage: Stage, options: AbortOptions): Promise<number | undefined> {
  const used = await Promise.all(
    stage.cluster.nodes.map((node) =>
      stage.target.usage(node.name, options).catch(() => undefined),
    ),
  )
  const known = used.filter((usage) => usage !== undefined)
  return known.length === 0 ? undefined : known.reduce((sum, usage) => sum + usage.cpuUs, 0)
}
