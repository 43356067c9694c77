import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { BenchPlan } from '../engine/bench.ts'
import { k6Command, type K6Ended, k6Opinion } from '../load/k6.ts'
import type { AbortOptions } from '../model/abort.ts'
import type { Position } from '../model/cluster.ts'
import { LoadError } from '../model/errors.ts'
import type { Stage } from '../engine/stage.ts'
import { packageDirectory } from './package.ts'

/** How long k6 runs: 2500 requests at 500 per second, so that p90 has 50 samples beyond it five times over. */
const seconds = 5

/** `--second-opinion`: k6, run by its own binary where the load stands, on the L7 question. */
export const secondOpinionOfK6: NonNullable<BenchPlan['secondOpinion']> = {
  question: 'l7-latency',
  arm: 'target',
  ask: async (request, rateRps, stage, [at], options) => {
    if (at === undefined) throw new LoadError('invalid-job', 'k6 has no place to stand')
    if (request.kind !== 'http') throw new LoadError('invalid-job', `k6 cannot ask ${request.kind}`)
    const script = join(packageDirectory, 'scenarios', 'k6', 'service-http.ts')
    const k6 = stage.cluster.provider === 'local' ? onPath('k6') : 'k6'
    const version = await run(stage, at, [k6, 'version'], options)
    if (version.exitCode !== 0)
      throw new LoadError(
        'program-failed',
        `there is no k6 where the load stands: ${version.stderr}`,
        {
          hint: 'install k6 (grafana.com/docs/k6), or leave out --second-opinion; provider local takes it from PATH',
        },
      )
    const job = {
      script,
      url: `http://${request.host}:${request.port}${request.path}`,
      host: request.authority,
      sha256: request.expect.bodySha256,
      rateRps,
      seconds,
    }
    return k6Opinion(
      job,
      version.stdout,
      await run(stage, at, [k6, ...k6Command(job).slice(1)], options),
    )
  },
}

/** Positions of provider local have this machine's files and a PATH of their own. */
function onPath(program: string): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders.map((folder) => join(folder, program)).find(existsSync) ?? program
}

async function run(
  { cluster }: Stage,
  at: Position,
  args: readonly string[],
  options: AbortOptions,
): Promise<K6Ended> {
  await using channel = await cluster.spawn(at, 'shell', { ...options, args })
  channel.end()
  const lines: string[] = []
  for await (const line of channel.messages)
    lines.push(typeof line === 'string' ? line : JSON.stringify(line))
  const { code, stderr } = await channel.exited
  return { exitCode: code ?? 1, stdout: lines.join('\n'), stderr }
}
