import { join } from 'node:path'
import { setMaxListeners } from 'node:events'
import type { Stage } from '../../engine/stage.ts'
import { k6Command, type K6Job, type K6Program } from '../../load/k6.ts'
import { type K6Ended, thresholdsCrossed } from '../../load/k6-summary.ts'
import type { AbortOptions } from '../../model/abort.ts'
import type { Position } from '../../model/cluster.ts'
import { LoadError } from '../../model/errors.ts'
import { onPath } from '../../targets/shared/programs.ts'
import { packageDirectory } from '../package.ts'
import { startTogether } from './start-together.ts'

/** Where each k6 has its own API, when several wait for each other; each has a network namespace of its own. */
const ownApi = '127.0.0.1:6565'

/**
 * Runs k6 where our load programs stand, in the network namespaces of provider local, which see this machine's files.
 * @throws LoadError 'program-failed' when there is no k6
 */
export async function k6AtPositions(
  job: Omit<K6Job, 'script' | 'startedAt'>,
  stage: Pick<Stage, 'cluster'>,
  at: readonly Position[],
  { signal }: AbortOptions,
): Promise<readonly K6Program[]> {
  const k6 = onPath('k6')
  if (k6 === undefined)
    throw new LoadError('program-failed', 'there is no k6 on PATH', {
      hint: 'install k6 (grafana.com/docs/k6), or leave out --second-opinion',
    })
  const stop = new AbortController()
  const options = { signal: AbortSignal.any([signal, stop.signal]) }
  setMaxListeners(0, options.signal)
  const isShared = at.length > 1
  const script = join(packageDirectory, 'scenarios', 'k6', 'service-http.ts')
  const command = k6Command({ ...job, script, ...(isShared && { startedAt: ownApi }) })
  const load = async (position: Position): Promise<K6Ended> => {
    const ended = await run(stage, position, [k6, ...command.slice(1)], options)
    // why: a stranger's answer to one stops the load of all, as Kubernetes does with a Job
    if (ended.exitCode !== 0 && ended.exitCode !== thresholdsCrossed) stop.abort()
    return ended
  }
  const waiting = at.map((position) => ({ at: position, url: `http://${ownApi}` }))
  const failures: unknown[] = []
  const start = async (): Promise<void> => {
    if (isShared) await startTogether(stage, waiting, options)
  }
  try {
    const version =
      at[0] === undefined ? '' : (await run(stage, at[0], [k6, 'version'], options)).stdout
    const [ends] = await Promise.all([
      Promise.all(at.map(load)),
      start().catch((error: unknown) => {
        // why: a k6 that ended says itself why
        if (!stop.signal.aborted) failures.push(error)
        stop.abort()
      }),
    ])
    signal.throwIfAborted()
    if (failures.length > 0) throw failures[0]
    return at.map(({ node }, index) => ({
      node,
      version,
      ended: ends[index] ?? { stdout: '', stderr: '' },
    }))
  } finally {
    stop.abort()
  }
}

/** One that is stopped has no exit code. */
async function run(
  { cluster }: Pick<Stage, 'cluster'>,
  at: Position,
  args: readonly string[],
  options: AbortOptions,
): Promise<K6Ended> {
  const nothing = { stdout: '', stderr: '' }
  if (options.signal.aborted) return nothing
  try {
    await using channel = await cluster.spawn(at, 'shell', { ...options, args })
    channel.end()
    const lines: string[] = []
    for await (const line of channel.messages)
      lines.push(typeof line === 'string' ? line : JSON.stringify(line))
    const { code, stderr } = await channel.exited
    return { ...(code !== null && { exitCode: code }), stdout: lines.join('\n'), stderr }
  } catch (error) {
    if (options.signal.aborted) return nothing
    throw error
  }
}
