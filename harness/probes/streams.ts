import { JobProblem } from './rules.ts'
import { type OpenStream, openStream, type StreamOpening } from './stream.ts'
import { parseSteps, parseStreamJob } from './stream-job.ts'

/** Connections that one probe keeps open at once. */
const mostStreams = 10_000

/** The connections that the probe program keeps, by the id of the request that opened them. */
export interface Streams {
  /** @throws JobProblem when the job makes no sense, or too many are open */
  readonly open: (
    id: unknown,
    job: unknown,
    signal: AbortSignal,
  ) => Promise<StreamOpening['opened']>
  /** @throws JobProblem when there is no such stream, or the steps make no sense */
  readonly play: (
    id: unknown,
    steps: unknown,
    signal: AbortSignal,
  ) => ReturnType<OpenStream['play']>
  /** Closing one that is not there does nothing. */
  readonly close: (id: unknown) => void
}

export function keepStreams(): Streams {
  const streams = new Map<unknown, OpenStream>()
  return {
    open: async (id, job, signal) => {
      const parsed = parseStreamJob(job)
      if (streams.size >= mostStreams)
        throw new JobProblem(`stream: ${mostStreams} are open, want no more than that`)
      const { opened, stream } = await openStream(parsed, signal)
      if (stream !== undefined) streams.set(id, stream)
      return opened
    },
    play: async (id, steps, signal) => {
      const stream = streams.get(id)
      if (stream === undefined) throw new JobProblem(`stream: ${String(id)} is not open`)
      return stream.play(parseSteps(steps), signal)
    },
    close: (id) => {
      streams.get(id)?.close()
      streams.delete(id)
    },
  }
}
