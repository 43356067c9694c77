import { join } from 'node:path'
import type { Stage } from '../../engine/stage.ts'
import type { AbortOptions } from '../../model/abort.ts'
import type { Position, ProgramChannel } from '../../model/cluster.ts'
import { LoadError } from '../../model/errors.ts'
import { probeImageDirectory } from '../../clusters/images/probe.ts'
import { packageDirectory } from '../package.ts'

/** A k6 that waits to be started, and from where it is started. */
export interface Waiting {
  readonly at: Position
  /** Of its own API. */
  readonly url: string
}

const program = ['dist', 'harness', 'load', 'k6-start-main.js']

/**
 * Starts several k6 at once: each by a program that stands beside it, and all programs get the word when all k6 wait.
 * @throws LoadError 'program-failed' for one that does not come to wait, or cannot be started
 */
export async function startTogether(
  { cluster }: Pick<Stage, 'cluster'>,
  waiting: readonly Waiting[],
  options: AbortOptions,
): Promise<void> {
  const isLocal = cluster.provider === 'local'
  const argv = isLocal
    ? [process.execPath, join(packageDirectory, ...program)]
    : ['node', join(probeImageDirectory, ...program)]
  const spawned = await Promise.allSettled(
    waiting.map(({ at, url }) => cluster.spawn(at, 'shell', { ...options, args: [...argv, url] })),
  )
  const channels = spawned.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  try {
    for (const one of spawned) if (one.status === 'rejected') throw one.reason
    const heard = channels.map((channel) => channel.messages[Symbol.asyncIterator]())
    const allSay = async (word: string): Promise<void> => {
      await Promise.all(
        heard.map(async (messages, index) => {
          const next = await messages.next()
          if (next.done !== true && next.value === word) return
          throw await notStarted(channels[index], waiting[index])
        }),
      )
    }
    await allSay('ready')
    for (const channel of channels) channel.send('start')
    await allSay('started')
  } finally {
    await Promise.all(channels.map((channel) => channel[Symbol.asyncDispose]()))
  }
}

async function notStarted(
  channel: ProgramChannel | undefined,
  waiting: Waiting | undefined,
): Promise<LoadError> {
  channel?.end()
  const { stderr = '' } = (await channel?.exited) ?? {}
  return new LoadError(
    'program-failed',
    `k6 on ${waiting?.at.node ?? 'a node'} could not be started with the others: ${stderr.trim().slice(-500)}`,
  )
}
