import type { ProgramChannel } from '../model/cluster.ts'
import { LoadError } from '../model/errors.ts'
import type { LoadGenerator, LoadResult } from '../model/load.ts'
import { together } from './together.ts'
import { watchReader, type WatchNews, type WatchReader } from './watch-client.ts'

/** A line of the load program (main.ts). */
interface Answer extends WatchNews {
  readonly id: number
  readonly result?: LoadResult
  readonly error?: string
  readonly broke?: string
}

interface Waiting {
  readonly resolve: (result: LoadResult) => void
  readonly began?: (() => void) | undefined
  readonly reject: (error: Error) => void
}

/** A load program and where it stands. */
export interface LoadProgram {
  readonly node: string
  readonly channel: ProgramChannel
}

/** Load programs at the other ends of channels, as one generator. */
export function connectLoad(programs: readonly LoadProgram[]): LoadGenerator {
  return together(programs.map(({ node, channel }) => ({ node, generator: connectOne(channel) })))
}

/** Runs jobs one after the other, in the order in which they came. */
function connectOne(channel: ProgramChannel): LoadGenerator {
  const waiting = new Map<number, Waiting>()
  const watches = new Map<number, WatchReader>()
  let lastId = 0
  let ended: LoadError | undefined
  const fail = (error: LoadError): void => {
    ended ??= error
    for (const one of waiting.values()) one.reject(ended)
    waiting.clear()
    for (const one of watches.values()) one.fail(ended)
    watches.clear()
  }
  const listen = async (): Promise<void> => {
    for await (const message of channel.messages) {
      const answer = parseAnswer(message)
      const { id, result, error, broke, began } = answer
      const watched = watches.get(id)
      if (watched !== undefined) {
        if (error !== undefined) watched.fail(new LoadError('invalid-job', error))
        else watched.news(answer)
        continue
      }
      const one = waiting.get(id)
      if (began === true) {
        one?.began?.()
        continue
      }
      waiting.delete(id)
      if (result !== undefined) one?.resolve(result)
      else if (error !== undefined) one?.reject(new LoadError('invalid-job', error))
      else one?.reject(new LoadError('program-failed', `the load program broke: ${String(broke)}`))
    }
    const { code, signal, stderr } = await channel.exited
    const how = signal ?? `exit code ${String(code)}`
    fail(new LoadError('program-failed', `the load program ended (${how}) ${stderr.trim()}`.trim()))
  }
  listen().catch((cause: unknown) => {
    fail(
      cause instanceof LoadError
        ? cause
        : new LoadError('program-failed', String(cause), { cause }),
    )
  })
  return {
    run: (job, { signal, began }) =>
      new Promise((resolve, reject) => {
        if (ended !== undefined) throw ended
        signal.throwIfAborted()
        lastId += 1
        const id = lastId
        const abort = (): void => {
          waiting.delete(id)
          channel.send({ id, cancel: true })
          reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
        }
        const over = (): void => {
          signal.removeEventListener('abort', abort)
        }
        waiting.set(id, {
          began,
          resolve: (result) => {
            over()
            resolve(result)
          },
          reject: (error) => {
            over()
            reject(error)
          },
        })
        signal.addEventListener('abort', abort, { once: true })
        channel.send({ id, job })
      }),
    watch: async (job, { signal }) => {
      if (ended !== undefined) throw ended
      signal.throwIfAborted()
      lastId += 1
      const id = lastId
      const reader = watchReader({
        askClock: () => {
          channel.send({ id, clock: true })
        },
        start: () => {
          channel.send({ id, watch: job })
        },
        stop: () => {
          channel.send({ id, cancel: true })
        },
      })
      watches.set(id, reader)
      return reader.began
    },
    [Symbol.asyncDispose]: () => channel[Symbol.asyncDispose](),
  }
}

/** @throws LoadError for anything but an answer to a job */
function parseAnswer(message: unknown): Answer {
  if (typeof message === 'object' && message !== null && 'id' in message) {
    const { id } = message
    const known = ['result', 'error', 'broke', 'began', 'sightings', 'clockMs']
    if (typeof id === 'number' && known.some((field) => field in message)) return message as Answer
  }
  throw new LoadError(
    'program-failed',
    `the load program said ${JSON.stringify(message).slice(0, 200)}, want an answer to a job`,
  )
}
