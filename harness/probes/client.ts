import { setMaxListeners } from 'node:events'
import type { AbortOptions } from '../model/abort.ts'
import type { ProgramChannel } from '../model/cluster.ts'
import { ProbeError } from '../model/errors.ts'
import type {
  NotAnswered,
  Observation,
  Probe,
  Stream,
  StreamJob,
  StreamOpened,
  StreamPlayed,
} from '../model/probe.ts'

/** Sends a request and waits for the line that answers it. */
type Ask = (request: object, options: AbortOptions) => Promise<Answer>

/** A line of the probe program (main.ts). */
interface Answer {
  readonly id: number
  readonly observation?: Observation
  readonly opened?: StreamOpened | NotAnswered
  readonly played?: StreamPlayed
  readonly closed?: true
  readonly error?: string
  readonly broke?: string
}

interface Waiting {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: Error) => void
}

/** A probe at the other end of a channel; runs many jobs at once. Disposing it ends the channel's program. */
export function connectProbe(channel: ProgramChannel): Probe {
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  let ended: ProbeError | undefined
  const fail = (error: ProbeError): void => {
    ended ??= error
    for (const one of waiting.values()) one.reject(ended)
    waiting.clear()
  }
  const listen = async (): Promise<void> => {
    for await (const message of channel.messages) {
      const answer = parseAnswer(message)
      const { id, error, broke } = answer
      const one = waiting.get(id)
      waiting.delete(id)
      if (error !== undefined) one?.reject(new ProbeError('bad-job', error))
      else if (broke !== undefined)
        one?.reject(new ProbeError('program-failed', `the probe broke: ${broke}`))
      else one?.resolve(answer)
    }
    const { code, signal, stderr } = await channel.exited
    const how = signal ?? `exit code ${String(code)}`
    fail(new ProbeError('program-failed', `the probe ended (${how}) ${stderr.trim()}`.trimEnd()))
  }
  listen().catch((cause: unknown) => {
    fail(cause instanceof ProbeError ? cause : new ProbeError('protocol', String(cause), { cause }))
  })
  const ask: Ask = (request, { signal }) =>
    new Promise((resolve, reject) => {
      if (ended !== undefined) throw ended
      signal.throwIfAborted()
      // why: many jobs under one signal are no leak
      setMaxListeners(0, signal)
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
        resolve: (answer) => {
          over()
          resolve(answer)
        },
        reject: (error) => {
          over()
          reject(error)
        },
      })
      signal.addEventListener('abort', abort, { once: true })
      channel.send({ id, ...request })
    })
  return {
    run: async (job, options) => told((await ask({ job }, options)).observation),
    stream: (job, options) => openStream(ask, job, options),
    [Symbol.asyncDispose]: () => channel[Symbol.asyncDispose](),
  }
}

async function openStream(ask: Ask, job: StreamJob, options: AbortOptions): Promise<Stream> {
  const answer = await ask({ open: job }, options)
  const { id } = answer
  const opened = told(answer.opened)
  const { kind } = opened
  let isClosed = kind !== 'opened'
  return {
    opened,
    play: async (steps, playing) => {
      if (kind !== 'opened') throw new ProbeError('bad-job', `stream: it was not opened: ${kind}`)
      return told((await ask({ stream: id, play: steps }, playing)).played)
    },
    [Symbol.asyncDispose]: async () => {
      if (isClosed) return
      isClosed = true
      const { signal } = new AbortController()
      try {
        await ask({ stream: id, close: true }, { signal })
      } catch {
        // why: a probe that is gone has closed its connections
      }
    },
  }
}

/** @throws ProbeError 'protocol' when the line that came answers another kind of request */
function told<T>(outcome: T | undefined): T {
  if (outcome !== undefined) return outcome
  throw new ProbeError('protocol', 'the probe answered another kind of request')
}

/** @throws ProbeError 'protocol' for anything but an answer to a job */
function parseAnswer(message: unknown): Answer {
  if (typeof message === 'object' && message !== null && 'id' in message) {
    const { id } = message
    if (
      typeof id === 'number' &&
      ['observation', 'opened', 'played', 'closed', 'error', 'broke'].some((key) => key in message)
    )
      return message as Answer
  }
  throw new ProbeError(
    'protocol',
    `the probe said ${JSON.stringify(message).slice(0, 200)}, want an answer to a job`,
  )
}
