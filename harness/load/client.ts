import type { ProgramChannel } from '../model/cluster.ts'
import { LoadError } from '../model/errors.ts'
import type { LoadGenerator, LoadResult } from '../model/load.ts'

interface Answer {
  readonly id: number
  readonly result?: LoadResult
  readonly error?: string
}

/** A load program at the other end of a channel. Runs one job at a time. */
export function connectLoad(channel: ProgramChannel): LoadGenerator {
  const answers = channel.messages[Symbol.asyncIterator]()
  let lastId = 0
  return {
    run: async (job, { signal }) => {
      signal.throwIfAborted()
      lastId += 1
      channel.send({ id: lastId, job })
      const next = await Promise.race([answers.next(), aborted(signal)])
      if (next.done === true) {
        const exit = await channel.exited
        throw new LoadError(
          'program-failed',
          `the load program ended (${exit.signal ?? `exit code ${String(exit.code)}`}): ${exit.stderr.trim()}`,
        )
      }
      const { result, error } = next.value as Answer
      if (result === undefined)
        throw new LoadError(
          'invalid-job',
          error ?? 'the load program gave neither result nor error',
        )
      return result
    },
    [Symbol.asyncDispose]: () => channel[Symbol.asyncDispose](),
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener(
      'abort',
      () => {
        reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
      },
      { once: true },
    )
  })
}
