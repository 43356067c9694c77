import { setMaxListeners } from 'node:events'
import type { ProgramChannel } from '../model/cluster.ts'
import { ProbeError } from '../model/errors.ts'
import type { Observation, Probe } from '../model/probe.ts'

/** A line of the probe program (main.ts). */
interface Answer {
  readonly id: number
  readonly observation?: Observation
  readonly error?: string
  readonly broke?: string
}

interface Waiting {
  readonly resolve: (observation: Observation) => void
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
      const { id, observation, error, broke } = parseAnswer(message)
      const one = waiting.get(id)
      waiting.delete(id)
      if (observation !== undefined) one?.resolve(observation)
      else if (error !== undefined) one?.reject(new ProbeError('bad-job', error))
      else one?.reject(new ProbeError('program-failed', `the probe broke: ${String(broke)}`))
    }
    const { code, signal, stderr } = await channel.exited
    const how = signal ?? `exit code ${String(code)}`
    fail(new ProbeError('program-failed', `the probe ended (${how}) ${stderr.trim()}`.trimEnd()))
  }
  listen().catch((cause: unknown) => {
    fail(cause instanceof ProbeError ? cause : new ProbeError('protocol', String(cause), { cause }))
  })
  return {
    run: (job, { signal }) =>
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
          resolve: (observation) => {
            over()
            resolve(observation)
          },
          reject: (error) => {
            over()
            reject(error)
          },
        })
        signal.addEventListener('abort', abort, { once: true })
        channel.send({ id, job })
      }),
    stream: () => Promise.reject(new ProbeError('bad-job', 'streams: not built yet')),
    [Symbol.asyncDispose]: () => channel[Symbol.asyncDispose](),
  }
}

/** @throws ProbeError 'protocol' for anything but an answer to a job */
function parseAnswer(message: unknown): Answer {
  if (typeof message === 'object' && message !== null && 'id' in message) {
    const { id } = message
    if (
      typeof id === 'number' &&
      ('observation' in message || 'error' in message || 'broke' in message)
    )
      return message as Answer
  }
  throw new ProbeError(
    'protocol',
    `the probe said ${JSON.stringify(message).slice(0, 200)}, want an answer to a job`,
  )
}
